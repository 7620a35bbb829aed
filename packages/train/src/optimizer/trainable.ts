import { InvalidArgumentError, invalidArgument, nearestName, optionNames } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";
import { movingOperators, storedName } from "../model/image-and-logits.js";

/**
 * The parameters to train: those that meet every given condition. Patterns may use `*` (any text) and `?`
 * (one character).
 */
export interface TrainableSelection {
  /** Names to train. */
  readonly include?: readonly string[];
  /** Names to leave unchanged. */
  readonly exclude?: readonly string[];
  /**
   * The number of last layers (convolutions and matrix products) to train, with the norms after the first of
   * these.
   */
  readonly lastLayers?: number;
  /** "norms": only the scale and shift of normalisations. */
  readonly only?: "norms";
}

export const selectionNames: ReadonlySet<string> = optionNames<TrainableSelection>({
  include: true,
  exclude: true,
  lastLayers: true,
  only: true,
});

/**
 * Returns the selected parameters of a model. Throws `InvalidArgumentError` for a pattern that matches none.
 */
export function selected(
  model: Graph,
  parameters: readonly string[],
  { include, exclude = [], lastLayers, only }: TrainableSelection,
): readonly string[] {
  const included = include === undefined ? undefined : patternTest("trainable.include", include, parameters);
  const excluded = patternTest("trainable.exclude", exclude, parameters);
  if (only !== undefined && only !== "norms") throw invalidArgument("trainable.only", "norms", only);
  const norms = only && normParameters(model);
  const last = lastLayers === undefined ? undefined : ofLastLayers(model, parameters, lastLayers);
  return parameters.filter(
    (name) =>
      (included?.(name) ?? true) &&
      !excluded(name) &&
      (norms?.has(name) ?? true) &&
      (last?.has(name) ?? true),
  );
}

/**
 * Returns a test whether a name matches one of the patterns. Throws `InvalidArgumentError` for a pattern that
 * matches no name.
 */
export function patternTest(
  where: string,
  patterns: readonly string[],
  names: readonly string[],
): (name: string) => boolean {
  const tests = patterns.map((pattern) => {
    const text = pattern
      .replace(/[.+^${}()|[\]\\/]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    const expression = new RegExp(`^${text}$`, "s");
    if (names.some((name) => expression.test(name))) return expression;
    const near = nearestTo(pattern, names);
    const hint = near === undefined ? `there are ${shortList(names)}` : `did you mean ${near}?`;
    throw new InvalidArgumentError(where, `${where}: ${pattern} matches no parameter; ${hint}`);
  });
  return (name) => tests.some((expression) => expression.test(name));
}

/** Returns the name whose start is nearest to the pattern's literal start. */
function nearestTo(pattern: string, names: readonly string[]): string | undefined {
  const [literal = ""] = pattern.split(/[*?]/);
  const beginnings = names.map((name) => (literal === pattern ? name : name.slice(0, literal.length)));
  const near = nearestName(literal, beginnings);
  return near === undefined ? undefined : names[beginnings.indexOf(near)];
}

const shortList = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

const layerTypes = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);
const normTypes = new Set([
  "BatchNormalization",
  "InstanceNormalization",
  "LayerNormalization",
  "GroupNormalization",
]);

function ofLastLayers(model: Graph, parameters: readonly string[], count: number): ReadonlySet<string> {
  if (!(Number.isInteger(count) && count >= 1))
    throw invalidArgument("trainable.lastLayers", "an integer of 1 or more", count);
  const known = new Set(parameters);
  const layers = model.nodes.flatMap((node, at) => {
    const weights = [0, 1].map((index) => storedName(node.inputs[index]) ?? "");
    return layerTypes.has(node.opType) && weights.some((name) => known.has(name)) ? [at] : [];
  });
  const start = layers.at(-count) ?? 0;
  const first = new Map<string, number>();
  for (const [at, node] of model.nodes.entries()) {
    if (movingOperators.has(node.opType)) continue;
    for (const index of node.inputs.keys()) {
      const name = storedName(node.inputs[index]);
      if (name !== undefined && !first.has(name)) first.set(name, at);
    }
  }
  return new Set(parameters.filter((name) => (first.get(name) ?? 0) >= start));
}

/**
 * Returns scales and shifts of norms, also of decomposed ones: GroupNormalization as InstanceNormalization,
 * Mul, Add.
 */
function normParameters(model: Graph): ReadonlySet<string> {
  const names = new Set<string>();
  const stage = new Map<string, "normal" | "scaled">();
  for (const node of model.nodes) {
    const { opType, inputs, outputs } = node;
    const output = outputs[0]!.name;
    if (normTypes.has(opType)) {
      for (const input of [inputs[1], inputs[2]]) if (input !== undefined) names.add(input.name);
      stage.set(output, "normal");
      continue;
    }
    if (opType === "Div" && inputs[1]?.node?.opType === "Sqrt") stage.set(output, "normal");
    const from = inputs.findIndex((input) => input !== undefined && stage.has(input.name));
    if (from < 0) continue;
    const at = stage.get(inputs[from]!.name)!;
    if (movingOperators.has(opType) && from === 0) stage.set(output, at);
    const other = storedName(inputs[1 - from]);
    if (other === undefined || !model.initializers.has(other)) continue;
    if (opType === "Mul" && at === "normal") {
      names.add(other);
      stage.set(output, "scaled");
    }
    if (opType === "Add" && at === "scaled") names.add(other);
  }
  return names;
}
