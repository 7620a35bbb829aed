import { type CalibrationBins, invalidArgument } from "@pixelcal/core";

/** A decision about an image: whether the volume of its foreground exceeds a limit. */
export interface Decision {
  /** The limit in the units of spacing (mm3, in two dimensions mm2), or in pixels. */
  readonly volumeAbove: number;
}

const form = /^volume>(\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Reads "volume>V"; throws for anything else. */
export function parseDecision(text: string): Decision {
  const found = typeof text === "string" ? form.exec(text.replaceAll(" ", "")) : null;
  if (!found || !Number.isFinite(Number(found[1])))
    throw invalidArgument("decision", 'a rule such as "volume>100"', text);
  return { volumeAbove: Number(found[1]) };
}

/** The columns of a decision: the probability at which it is made, and whether it would be right. */
export interface DecisionColumns {
  readonly score: string;
  readonly event: string;
}

export function decisionColumns({ volumeAbove }: Decision): DecisionColumns {
  const event = `volume > ${volumeAbove}`;
  return { score: `P(${event})`, event };
}

/** Returns the decision whose columns are among these; undefined if there is none. */
export function decisionOfColumns(columns: readonly string[]): DecisionColumns | undefined {
  for (const score of columns) {
    const event = /^P\((volume > .+)\)$/.exec(score)?.[1];
    if (event !== undefined && columns.includes(event)) return { score, event };
  }
  return undefined;
}

/**
 * Returns the largest threshold at which the pixels whose foreground probability reaches it still exceed a
 * volume, from the bins of the foreground, to the width of a bin; 0 if there is none. It is the probability
 * that the volume is exceeded if the pixels of an image err together: whoever acts from a probability t on
 * acts where the region of probability t is large enough.
 */
export function volumeProbability(bins: CalibrationBins, pixels: number): number {
  let above = 0;
  for (let bin = bins.bins - 1; bin >= 0; bin--) {
    const count = bins.count[bin]!;
    above += count;
    if (count > 0 && above > pixels) return bins.confidenceSum[bin]! / count;
  }
  return 0;
}
