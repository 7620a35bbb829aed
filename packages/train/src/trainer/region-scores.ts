import { ignoredInRegion, type Labels, type Region, regionMasks, type Tensor } from "@pixelcal/core";
import { headPair } from "@pixelcal/losses";
import { type Exchange, partsOfAll } from "./exchange.js";
import { type AddedBatch, type Scores, type ValidationPart, ValidationScores } from "./validation-scores.js";

/**
 * Scores the logits [N, regions, ...spatial] of sigmoid heads on a validation split: each region as two
 * classes, then the means over the regions. In place of classes the scores list the regions.
 */
export class RegionScores {
  readonly #regions: readonly Region[];
  readonly #ignore: number | undefined;
  readonly #each: readonly ValidationScores[];

  constructor(regions: readonly Region[], ignore: number | undefined, each?: readonly ValidationScores[]) {
    this.#regions = regions;
    this.#ignore = ignore;
    this.#each = each ?? regions.map(() => new ValidationScores(2, this.#inside));
  }

  get #inside(): number | undefined {
    return this.#ignore === undefined ? undefined : ignoredInRegion;
  }

  /** Returns the scores of parts: to the bit those of all their batches together. */
  merged(parts: readonly (readonly ValidationPart[])[]): RegionScores {
    const each = this.#each.map((scores, r) => scores.merged(parts.map((part) => part[r]!)));
    return new RegionScores(this.#regions, this.#ignore, each);
  }

  get isEmpty(): boolean {
    return this.#each[0]!.isEmpty;
  }

  /** Returns what was added, as JSON for `merged`. */
  part(): readonly ValidationPart[] {
    return this.#each.map((scores) => scores.part());
  }

  /** Adds a batch: logits [N, regions, ...spatial] and the labels [N, ...spatial]. */
  async add(batch: AddedBatch, logits: Tensor<"float32">, labels: Labels): Promise<void> {
    const masks = await regionMasks(labels, this.#regions, { ignore: this.#ignore });
    for (const [r, scores] of this.#each.entries()) await scores.add(batch, headPair(logits, r), masks[r]!);
  }

  compute(): Scores {
    const each = this.#each.map((scores) => scores.compute());
    const inside = (score: keyof Scores["classes"]): readonly (number | null)[] =>
      each.map(({ classes }) => classes[score][1]!);
    const classes = { dice: inside("dice"), ece: inside("ece"), pece: inside("pece") };
    return {
      loss: each[0]!.loss,
      dice: mean(classes.dice) ?? 1,
      ece: mean(classes.ece) ?? Number.NaN,
      pece: mean(classes.pece) ?? Number.NaN,
      nll: mean(each.map(({ nll }) => nll))!,
      classes,
    };
  }
}

function mean(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The meaning of a network's channels: classes, or the heads of regions. */
export interface ScoredChannels {
  readonly classes: number;
  readonly regions?: readonly Region[] | undefined;
  readonly ignore?: number | undefined;
}

/** Returns empty scores of a split. */
export const emptyScores = ({ classes, regions, ignore }: ScoredChannels): RegionScores | ValidationScores =>
  regions === undefined ? new ValidationScores(classes, ignore) : new RegionScores(regions, ignore);

/** Returns the scores of all processes together. */
export async function scoresOfAll(
  exchange: Exchange | undefined,
  scores: RegionScores | ValidationScores,
): Promise<RegionScores | ValidationScores> {
  return scores instanceof RegionScores
    ? scores.merged(await partsOfAll(exchange, scores.part()))
    : scores.merged(await partsOfAll(exchange, scores.part()));
}
