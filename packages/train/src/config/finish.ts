import { lossFromConfig, type NamedLoss } from "@pixelcal/losses";
import { withClassWeights } from "./class-weights.js";
import { ConfigError } from "./errors.js";
import { shareIgnore } from "./ignore.js";
import { type LossConfig, lossOfSection } from "./loss.js";
import type { TrainConfig } from "./train-config.js";

/** The consecutive losses of a training, each with the number of epochs after which it ends. */
export type LossStages = readonly { readonly loss: LossConfig; readonly until: number }[];

/**
 * Returns the losses of a configuration in their order: one, or with `finish` two. A single epoch leaves none
 * for the second.
 */
export function lossStages({ loss, finish, epochs }: TrainConfig): LossStages {
  const whole = { loss, until: epochs };
  if (finish === undefined || epochs < 2) return [whole];
  const last = Math.min(epochs - 1, Math.max(1, Math.round(finish.share * epochs)));
  return [
    { loss, until: epochs - last },
    { loss: finish.loss, until: epochs },
  ];
}

/** The keys that `finish` must agree with; absent where the file gives none. */
type Beside = Partial<Pick<TrainConfig, "patience" | "selection">> & { readonly ignore?: number };

/** Returns a `finish` section with its loss filled in. Throws `ConfigError` with every problem. */
export function finishOf(
  { loss: section, share }: { readonly loss: NamedLoss; readonly share: number },
  { patience, selection, ignore }: Beside,
): NonNullable<TrainConfig["finish"]> {
  const { loss, ignore: own } = shareIgnore(
    lossOfSection(section, ["finish", "loss"]),
    ignore,
    "finish.loss",
  );
  const problems: string[] = [];
  if (own !== ignore) problems.push(`finish.loss.ignore: expected dataset.ignore, which both losses share`);
  if (lossFromConfig(withClassWeights(loss, [1, 1])).state !== undefined)
    problems.push(
      `finish.loss.name: ${loss.name} follows the validation split from the first epoch; expected another loss`,
    );
  if (selection === "loss")
    problems.push("selection: expected dice or nll with finish, since two losses do not compare, got loss");
  if (patience !== undefined)
    problems.push("patience: not with finish, whose last loss begins at a set epoch");
  if (problems.length > 0) throw new ConfigError(problems);
  return { loss, share };
}
