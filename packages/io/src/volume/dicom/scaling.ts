import { setImmediate as nextTurn } from "node:timers/promises";
import type { DataSet } from "./data-set.js";
import type { FrameGroups } from "./plane.js";
import { tags } from "./tags.js";

/** The scaling from stored values to real ones: value * slope + inter. */
export interface Scaling {
  readonly slope: number;
  readonly inter: number;
}

/** Returns the scaling of a frame, by its group or by the file. Throws for a slope of 0. */
export function scalingOf(dataSet: DataSet, groups: FrameGroups, frame: number): Scaling {
  const sequence = tags.pixelValueTransformationSequence;
  const number = (tag: number): number | undefined => groups.holder(frame, sequence, tag).decimal(tag);
  const dose = dataSet.decimal(tags.doseGridScaling);
  const slope = number(tags.rescaleSlope) ?? dose ?? 1;
  if (slope === 0) throw groups.holder(frame, sequence, tags.rescaleSlope).fail(tags.rescaleSlope, "is 0");
  return { slope, inter: number(tags.rescaleIntercept) ?? 0 };
}

/** Returns the scaling that all frames share, or undefined if they differ. */
export function sharedScaling(scalings: readonly Scaling[]): Scaling | undefined {
  const { slope, inter } = scalings[0]!;
  return scalings.every((each) => each.slope === slope && each.inter === inter)
    ? { slope, inter }
    : undefined;
}

/** Returns real values of frames with scalings of their own, such as those of PET. */
export async function scaleFrames(
  data: ArrayLike<number>,
  scalings: readonly Scaling[],
): Promise<Float32Array> {
  const out = new Float32Array(data.length);
  const size = data.length / scalings.length;
  for (const [i, { slope, inter }] of scalings.entries()) {
    for (let at = i * size; at < (i + 1) * size; at++) out[at] = data[at]! * slope + inter;
    await nextTurn();
  }
  return out;
}
