import { ignoredInRegion } from "@pixelcal/core";
import { type Loss, lossFromConfig, oneVsRest } from "@pixelcal/losses";
import { headProblems, labelsOfRegions, type RegionHeads } from "../model/region-heads.js";
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
  return { regions, ...(regions_class_order && { classOrder: regions_class_order }) };
}

/** Returns the number of labels of a configuration's cases, background included; undefined if unknown. */
export function labelCount({ model, dataset }: Pick<TrainConfig, "model" | "dataset">): number | undefined {
  if ("arch" in model) return model.num_classes;
  return dataset.regions && labelsOfRegions(dataset.regions);
}

/** Returns a built network's section with a channel for each region in place of each class. */
export const withHeads = (model: BuiltModelConfig, { regions }: TrainConfig["dataset"]): BuiltModelConfig =>
  regions === undefined ? model : { ...model, num_classes: regions.length };

/** Returns a loss of a configuration for the network's channels: classes, or regions one against the rest. */
export function lossOf(loss: LossConfig, config: Pick<TrainConfig, "model" | "dataset">): Loss {
  const { regions, ignore } = config.dataset;
  if (regions === undefined) return lossFromConfig(loss);
  const own = ignore === undefined ? loss : withIgnore(loss, ignoredInRegion);
  return oneVsRest(() => lossFromConfig(own), {
    regions,
    classes: labelCount(config)!,
    ...(ignore !== undefined && { ignore }),
  });
}

/** Returns what is wrong with the regions of a configuration. */
export function regionProblems(config: TrainConfig): readonly string[] {
  const { dataset, model } = config;
  const { regions, regions_class_order } = dataset;
  const keys = { regions: "dataset.regions", classOrder: "dataset.regions_class_order" } as const;
  if (regions === undefined)
    return regions_class_order === undefined ? [] : [`${keys.classOrder}: needs dataset.regions`];
  const problems = [...headProblems(regionHeads(dataset)!, keys)];
  if ("arch" in model && labelsOfRegions(regions) > model.num_classes)
    problems.push(
      `${keys.regions}: expected labels below model.num_classes, ${model.num_classes}, got ${labelsOfRegions(regions) - 1}`,
    );
  for (const { loss } of lossStages(config)) {
    if (asksForClassWeights(loss))
      problems.push("loss.classWeights: a region has two classes; expected two weights with dataset.regions");
    if (loss.name === "cpc") problems.push("loss.name: cpc needs 3 classes, and a region has two");
  }
  return problems;
}
