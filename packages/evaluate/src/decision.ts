import { type CalibrationBins, invalidArgument, type LesionScores } from "@pixelcal/core";

/**
 * A decision about an image, whether the volume of its foreground exceeds a limit, or about every predicted
 * lesion whose volume does, whether it is real.
 */
export interface Decision {
  readonly about: "image" | "lesion";
  /** The limit in the units of spacing (mm3, in two dimensions mm2), or in pixels. */
  readonly volumeAbove: number;
}

const form = /^(volume|lesion)>(\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Reads "volume>V" or "lesion>V"; throws for anything else. */
export function parseDecision(text: string): Decision {
  const found = typeof text === "string" ? form.exec(text.replaceAll(" ", "")) : null;
  if (!found || !Number.isFinite(Number(found[2])))
    throw invalidArgument("decision", 'a rule such as "volume>100" or "lesion>30"', text);
  return { about: found[1] === "volume" ? "image" : "lesion", volumeAbove: Number(found[2]) };
}

/** The decisions about the lesions of one case. */
export interface LesionDecisions {
  /** The volume that the lesions exceed. */
  readonly volumeAbove: number;
  /** The mean probability inside of every predicted lesion; 0 for a true one that is missed. */
  readonly probabilities: readonly number[];
  /** Whether each is real, 1 or 0. */
  readonly real: readonly number[];
}

/** Returns the decisions about the lesions of all classes of a case. */
export function lesionDecisions(
  { volumeAbove }: Decision,
  classes: readonly LesionScores[],
): LesionDecisions {
  const above = ({ volume }: { readonly volume: number }): boolean => volume > volumeAbove;
  const predicted = classes.flatMap(({ predicted }) => predicted.filter(above));
  const missed = classes.flatMap(({ missedVolumes }) => missedVolumes.filter((volume) => above({ volume })));
  return {
    volumeAbove,
    probabilities: [...predicted.map(({ confidence }) => confidence), ...missed.map(() => 0)],
    real: [...predicted.map(({ real }) => Number(real)), ...missed.map(() => 1)],
  };
}

/** The columns of a decision about an image: its probability, and whether the event is there. */
export interface DecisionColumns {
  readonly score: string;
  readonly event: string;
}

export function decisionColumns({ volumeAbove }: Pick<Decision, "volumeAbove">): DecisionColumns {
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
