import { checkOptions as checkNames, invalidArgument, morphologyOps } from "@pixelcal/core";

/** The values an option accepts. */
export type OptionSchema =
  | { readonly type: "number"; readonly atLeast?: number; readonly above?: number; readonly below?: number }
  | { readonly type: "integer"; readonly atLeast?: number; readonly atMost?: number; readonly odd?: boolean }
  | { readonly type: "choice"; readonly values: readonly string[] }
  | { readonly type: "boolean" }
  /** A list of finite numbers of at least 0, one a class. */
  | { readonly type: "weights" };

/** The options of a loss under each of its presets (or variants); the first is the default. */
export type PresetSchemas = Readonly<Record<string, Readonly<Record<string, OptionSchema>>>>;

/** A finite number of at least 0. */
export const weight: OptionSchema = { type: "number", atLeast: 0 };
export const boolean: OptionSchema = { type: "boolean" };
export const classWeights: OptionSchema = { type: "weights" };
/** A label that is no class; an int32 above its smallest. */
export const ignore: OptionSchema = { type: "integer", atLeast: 1 - 2 ** 31, atMost: 2 ** 31 - 1 };
export const distance: OptionSchema = choice("l1", "l2");
/** The values a neighbourhood penalty compares with its target. */
export const of: OptionSchema = choice("logits", "probs");
export const sigma: OptionSchema = { type: "number", above: 0 };
/** The side of a window, in pixels. */
export const size: OptionSchema = { type: "integer", atLeast: 1, odd: true };
/** The number of trailing axes that a window spans. */
export const dimensions: OptionSchema = { type: "integer", atLeast: 2, atMost: 3 };
export const morphology: OptionSchema = choice("none", ...morphologyOps);

export function choice(...values: string[]): OptionSchema {
  return { type: "choice", values };
}

/**
 * Checks a loss's options, all at the door, and returns the preset (or whatever
 * `key` selects by) they are for.
 */
export function checkOptions(loss: string, presets: PresetSchemas, options: object, key = "preset"): string {
  const given = new Map(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const names = Object.keys(presets);
  const preset: unknown = given.get(key) ?? names[0];
  if (typeof preset !== "string" || !names.includes(preset)) {
    throw invalidArgument(`${loss}.${key}`, `one of ${names.join(", ")}`, preset);
  }
  const schema = presets[preset]!;
  checkNames(`${loss} (${key} ${preset})`, options, new Set([key, ...Object.keys(schema)]));
  for (const [name, value] of given) {
    if (name !== key) checkOption(`${loss}.${name}`, schema[name]!, value);
  }
  return preset;
}

/** Throws unless the schema accepts `value`. */
function checkOption(name: string, schema: OptionSchema, value: unknown): void {
  if (!accepts(schema, value)) throw invalidArgument(name, expected(schema), value);
}

function accepts(schema: OptionSchema, value: unknown): boolean {
  switch (schema.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && schema.values.includes(value);
    case "weights":
      return (
        Array.isArray(value) &&
        value.every((one) => Number.isFinite(one) && one >= 0) &&
        value.some((one) => one > 0)
      );
    case "integer":
      return (
        Number.isSafeInteger(value) &&
        (value as number) >= (schema.atLeast ?? Number.MIN_SAFE_INTEGER) &&
        (value as number) <= (schema.atMost ?? Number.MAX_SAFE_INTEGER) &&
        !(schema.odd && (value as number) % 2 === 0)
      );
    case "number":
      return (
        typeof value === "number" &&
        Number.isFinite(value) &&
        value >= (schema.atLeast ?? value) &&
        value > (schema.above ?? Number.NEGATIVE_INFINITY) &&
        value < (schema.below ?? Number.POSITIVE_INFINITY)
      );
  }
}

/** Describes the values a schema accepts, for an error message. */
function expected(schema: OptionSchema): string {
  switch (schema.type) {
    case "boolean":
      return "true or false";
    case "weights":
      return "a list of finite numbers at least 0, one above 0";
    case "choice":
      return `one of ${schema.values.join(", ")}`;
    case "integer":
      return `an${schema.odd ? " odd" : ""} integer${bounds(schema)}`;
    case "number":
      return `a finite number${bounds(schema)}`;
  }
}

function bounds(schema: { atLeast?: number; atMost?: number; above?: number; below?: number }): string {
  const { atLeast, atMost, above, below } = schema;
  const parts = [
    atLeast === undefined ? [] : [`at least ${atLeast}`],
    above === undefined ? [] : [`above ${above}`],
    atMost === undefined ? [] : [`at most ${atMost}`],
    below === undefined ? [] : [`below ${below}`],
  ].flat();
  return parts.length === 0 ? "" : ` ${parts.join(" and ")}`;
}
