/** A JSON Schema (draft 2020-12) of one value. */
export interface Schema {
  readonly json: Readonly<Record<string, unknown>>;
}

/** A field that may be absent. */
export interface OptionalField {
  readonly optional: Schema;
}

/** The fields of `T`: the compiler finds one that is missing, unknown or optional in one place alone. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? OptionalField : Schema;
};

const schema = (json: Schema["json"]): Schema => ({ json });

export const text: Schema = schema({ type: "string" });
export const flag: Schema = schema({ type: "boolean" });
/** A whole number of 0 or more. */
export const count: Schema = schema({ type: "integer", minimum: 0 });
export const integer: Schema = schema({ type: "integer" });
export const finite: Schema = schema({ type: "number" });
/** Any number: NaN is null, infinities are "inf" and "-inf". */
export const real: Schema = schema({ type: ["number", "null", "string"], pattern: "^-?inf$" });

export const constant = (value: string): Schema => schema({ const: value });
export const oneOf = (...values: readonly string[]): Schema => schema({ enum: values });
export const optional = (of: Schema): OptionalField => ({ optional: of });
export const array = ({ json }: Schema): Schema => schema({ type: "array", items: json });
export const orNull = ({ json }: Schema): Schema => schema({ anyOf: [json, { type: "null" }] });

/** Returns the schema of an object whose keys are not known, such as the columns of a table. */
export const record = ({ json }: Schema): Schema => schema({ type: "object", additionalProperties: json });

/** Any object, such as the settings of a command. */
export const anyObject: Schema = schema({ type: "object" });

/** Returns the schema of an object with these fields and no other. */
export function object<T extends object>(fields: Fields<T>): Schema {
  const entries = Object.entries(fields) as readonly (readonly [string, Schema | OptionalField])[];
  return schema({
    type: "object",
    properties: Object.fromEntries(
      entries.map(([key, field]) => [key, "optional" in field ? field.optional.json : field.json]),
    ),
    required: entries.filter(([, field]) => "json" in field).map(([key]) => key),
    additionalProperties: false,
  });
}
