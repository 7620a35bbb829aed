import type { Region } from "@pixelcal/core";
import type { OnnxFile } from "@pixelcal/graph";
import { maskRegions, mostMasks } from "@pixelcal/io";
import { z } from "zod";
import { carriedJson, damaged } from "./carried-metadata.js";

/** The meaning of a network's channels where each is a sigmoid head of a region. */
export interface RegionHeads {
  /** The regions, one a channel. */
  readonly regions: readonly Region[];
  /**
   * The label that each head above one half writes into a label map, later heads over earlier ones: nnU-Net's
   * `regions_class_order`.
   */
  readonly classOrder?: readonly number[];
}

const label = z.int().min(0).max(32_766);
// Names are keys of nnU-Net's dataset.json, which has two of its own; numbers as keys would change the order.
const name = z
  .string()
  .regex(
    /^(?!(?:\d+|background|ignore)$)[^=,]{1,100}$/,
    "expected a name of up to 100 characters without = and ,, no number, background or ignore",
  );

/** A region as files name it: with its labels, or without any where cases hold a mask of each region. */
export type NamedRegion = Pick<Region, "name"> & Partial<Pick<Region, "labels">>;

/** The schema of regions. */
export const regionsSchema: z.ZodType<NamedRegion[]> = z
  .array(z.strictObject({ name, labels: z.array(label).min(1).optional() }))
  .min(1);
/** The schema of the labels that regions write. */
export const classOrderSchema: z.ZodType<number[]> = z.array(label);

const schema = z.strictObject({
  regions: regionsSchema,
  classOrder: classOrderSchema.optional(),
});

/** Returns what is wrong with regions and their order, by the names of the keys that hold them. */
export function headProblems(
  { regions, classOrder }: RegionHeads,
  keys: Readonly<Record<keyof RegionHeads, string>>,
): readonly string[] {
  const names = regions.map((each) => each.name);
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  return [
    ...(twice === undefined ? [] : [`${keys.regions}: ${twice} is given twice`]),
    ...(classOrder === undefined || classOrder.length === regions.length
      ? []
      : [`${keys.classOrder}: expected ${regions.length} labels, one a region, got ${classOrder.length}`]),
  ];
}

/** Returns regions with their labels; of those without any, as the sums of their masks have. */
export const regionsOf = (named: readonly NamedRegion[]): readonly Region[] =>
  named.some(({ labels }) => labels !== undefined)
    ? named.map(({ name: own, labels = [] }) => ({ name: own, labels }))
    : maskRegions(named.map((each) => each.name));

/** Returns what is wrong with the labels of regions, by the key that holds them. */
export function labelProblems(named: readonly NamedRegion[], key: string): readonly string[] {
  const bare = named.filter(({ labels }) => labels === undefined);
  if (bare.length > 0 && bare.length < named.length)
    return [
      `${key}: expected labels for all regions, or for none where files hold masks; ${bare[0]!.name} has none`,
    ];
  return bare.length > mostMasks
    ? [`${key}: expected at most ${mostMasks} regions with masks, got ${bare.length}`]
    : [];
}

/** The key of the regions in the metadata of an ONNX file. */
const key = "pixelcal.regions";

/** Returns the metadata that a model file carries of its regions. */
export const regionsMetadata = ({ regions, ...heads }: RegionHeads): Readonly<Record<string, string>> => ({
  [key]: JSON.stringify({ regions: regions.map(namedRegion), ...heads }),
});

/** Returns a region as files name it. */
const namedRegion = ({ name: own, labels, mask }: Region): NamedRegion =>
  mask === undefined ? { name: own, labels } : { name: own };

/**
 * Returns the regions that a model file carries, undefined if it carries none. Throws `InvalidArgumentError`
 * if they are damaged.
 */
export function regionHeadsOf(model: Uint8Array | OnnxFile): RegionHeads | undefined {
  const carried = carriedJson(model, key, schema);
  if (carried === undefined) return undefined;
  const { regions: named, ...order } = carried;
  const [unclear] = labelProblems(named, "regions");
  if (unclear !== undefined) throw damaged(key, unclear);
  const heads = { regions: regionsOf(named), ...order } as RegionHeads;
  const [problem] = headProblems(heads, { regions: "regions", classOrder: "classOrder" });
  if (problem !== undefined) throw damaged(key, problem);
  return heads;
}
