import { join } from "node:path";
import { checkpointFiles, type EpochRecord, type fit } from "@pixelcal/train";
import { Interrupted } from "../command-error.js";
import { duration, Pace } from "../terminal.js";
import type { TrainRun } from "./train-run.js";

type Reports = Pick<Parameters<typeof fit>[1], "onProgress" | "onEpoch" | "onDifference" | "onLossGrowth">;

/**
 * Returns the callbacks of a fit with `steps` batches an epoch: they print progress and stop on a signal. A
 * loss that `takesOver` differs from its checkpoint's on purpose.
 */
export function reports(
  run: TrainRun,
  steps: number,
  { takesOver }: { readonly takesOver: boolean },
): Reports {
  const { config, folder, terminal, signal, label, logEvery = 1 } = run;
  const { number, count } = run.member ?? { number: 1, count: 1 };
  const title = label === undefined ? "" : `${label} `;
  let pace: Pace | undefined;
  let speed = { rate: 0, remaining: Number.POSITIVE_INFINITY };
  return {
    onProgress({ epoch, batch, meanLoss, learningRate }) {
      const done = ((number - 1) * config.epochs + epoch - 1) * steps + batch;
      pace ??= new Pace(() => terminal.now(), done);
      speed = pace.at(done, count * config.epochs * steps);
      const values = [`loss ${meanLoss.toFixed(4)}`, `lr ${learningRate.toExponential(1)}`];
      if (speed.rate > 0)
        values.push(`${speed.rate.toFixed(1)} steps/s`, `${duration(speed.remaining)} left`);
      terminal.progress({
        label: `${title}epoch ${epoch}/${config.epochs}`,
        done: batch,
        total: steps,
        values,
      });
      if (signal.aborted) throw new Interrupted(stopped(folder, epoch));
    },
    onEpoch(record, best) {
      if (signal.aborted) throw new Interrupted(stopped(folder, record.epoch + 1));
      if (record.epoch % logEvery !== 0) return;
      const left =
        (record.epoch < config.epochs || number < count) && speed.rate > 0
          ? `  ${duration(speed.remaining)} left`
          : "";
      terminal.line(`${title}${epochLine(record, config.epochs)}${best ? "  best" : ""}${left}`);
    },
    onLossGrowth({ epoch, batch, loss, first }) {
      terminal.warn(
        `epoch ${epoch}, step ${batch}: the loss is ${loss.toPrecision(3)}, more than a thousand times that of ` +
          `the start (${first.toPrecision(3)}); lower optim.lr, or limit the gradient with clip_norm`,
      );
    },
    onDifference(difference) {
      if (takesOver && difference.startsWith("loss:")) return;
      terminal.warn(`resumed under other conditions: ${difference}`);
    },
  };
}

function stopped(folder: string, epoch: number): string {
  return epoch === 1
    ? "stopped in the first epoch; no checkpoint was written yet"
    : `stopped; ${join(folder, checkpointFiles.last)} holds epoch ${epoch - 1}, --resume continues from there`;
}

/** Formats one line of a log: "epoch 3/50  loss 0.4213  val 0.3987  dice 0.912  nll 0.1032  lr 9.1e-5". */
function epochLine(record: EpochRecord, epochs: number): string {
  const { epoch, trainLoss, validationLoss, validationDice, validationNll, learningRate } = record;
  const parts = [
    `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    `loss ${trainLoss.toFixed(4)}`,
  ];
  if (validationLoss !== undefined) parts.push(`val ${validationLoss.toFixed(4)}`);
  if (validationDice !== undefined) parts.push(`dice ${validationDice.toFixed(4)}`);
  if (validationNll !== undefined) parts.push(`nll ${validationNll.toFixed(4)}`);
  return [...parts, `lr ${learningRate.toExponential(1)}`].join("  ");
}
