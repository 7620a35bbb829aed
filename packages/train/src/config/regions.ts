import { ignoredInRegion, labelsOfRegions } from "@pixelcal/core";
import { haveMasks, maskIgnoreProblem, type StoredMasks, storedMasks } from "@pixelcal/io";
import { type Loss, lossFromConfig, oneVsRest } from "@pixelcal/losses";
import { headProblems, labelProblems, type RegionHeads, regionsOf } from "../model/region-heads.js";
import { asksForClassWeights } from "./class-weights.js";
import { lossStages } from "./finish.js";
import { withIgnore } from "./ignore.js";
import type { LossConfig } from "./loss.js";
import type { BuiltModelConfig, TrainConfig } from "./train-config.js";

/** Returns the regions of a configuration's sigmoid heads, undefined for classes that exclude each other. */
export function regionHeads({
  regions,
  regions_class_order,
}: TrainConfig["dataset"]): RegionHeads | undefined {
  if (regions === undefined) return undefined;
  return { regions: regionsOf(regions), ...(regions_class_order && { classOrder: regions_class_order }) };
}

/** Returns the masks of regions that a configuration's cases hold, undefined for label maps. */
export const masksOf = ({ dataset }: Pick<TrainConfig, "dataset">): StoredMasks | undefined =>
  storedMasks(regionHeads(dataset)?.regions, dataset.ignore);

/** Returns the number of labels of a configuration's cases, background included; undefined if unknown. */
export function labelCount({ model, dataset }: Pick<TrainConfig, "model" | "dataset">): number | undefined {
  const heads = regionHeads(dataset);
  if ("arch" in model && masksOf({ dataset }) === undefined) return model.num_classes;
  return heads && labelsOfRegions(heads.regions);
}

/** Returns a built network's section with a channel for each region in place of each class. */
export const withHeads = (model: BuiltModelConfig, { regions }: TrainConfig["dataset"]): BuiltModelConfig =>
  regions === undefined ? model : { ...model, num_classes: regions.length };

/** Returns a loss of a configuration for the network's channels: classes, or regions one against the rest. */
export function lossOf(loss: LossConfig, config: Pick<TrainConfig, "model" | "dataset">): Loss {
  const { ignore } = config.dataset;
  const heads = regionHeads(config.dataset);
  if (heads === undefined) return lossFromConfig(loss);
  const own = ignore === undefined ? loss : withIgnore(loss, ignoredInRegion);
  return oneVsRest(() => lossFromConfig(own), {
    regions: heads.regions,
    classes: labelCount(config)!,
    ...(ignore !== undefined && { ignore }),
  });
}

/** Returns what is wrong with the labels of regions beside the other sections. */
function labelRangeProblems(
  { dataset, model }: TrainConfig,
  { regions }: RegionHeads,
  key: string,
): readonly string[] {
  const classes = "arch" in model ? model.num_classes : undefined;
  if (!haveMasks(regions)) {
    const count = labelsOfRegions(regions);
    return classes === undefined || count <= classes
      ? []
      : [`${key}: expected labels below model.num_classes, ${classes}, got ${count - 1}`];
  }
  const ignore = maskIgnoreProblem(regions.length, dataset.ignore);
  return [
    ...(classes === undefined || classes === regions.length + 1
      ? []
      : [
          `model.num_classes: expected ${regions.length + 1}, the background and ${regions.length} masks, got ${classes}`,
        ]),
    ...(ignore === undefined ? [] : [`dataset.ignore: expected ${ignore}, got ${dataset.ignore}`]),
  ];
}

/** Returns what is wrong with the regions of a configuration. */
export function regionProblems(config: TrainConfig): readonly string[] {
  const { dataset } = config;
  const { regions, regions_class_order } = dataset;
  const keys = { regions: "dataset.regions", classOrder: "dataset.regions_class_order" } as const;
  if (regions === undefined)
    return regions_class_order === undefined ? [] : [`${keys.classOrder}: needs dataset.regions`];
  const unclear = labelProblems(regions, keys.regions);
  if (unclear.length > 0) return unclear;
  const heads = regionHeads(dataset)!;
  const problems = [...headProblems(heads, keys), ...labelRangeProblems(config, heads, keys.regions)];
  for (const { loss } of lossStages(config)) {
    if (asksForClassWeights(loss))
      problems.push("loss.classWeights: a region has two classes; expected two weights with dataset.regions");
    if (loss.name === "cpc") problems.push("loss.name: cpc needs 3 classes, and a region has two");
  }
  return problems;
}
