import type { Lock } from "@pixelcal/io";
import type { TrainConfig } from "@pixelcal/train";
import type { Context } from "../context.js";

/** The files of a run's folder besides the checkpoints and the log. */
export const runFiles = {
  config: "config.json",
  model: "model.onnx",
  tuning: "tuning.json",
  postprocessing: "postprocessing.json",
  events: "events.out.tfevents.pixelcal",
} as const;

/** A training run: the configuration, the data and the output folder. */
export interface TrainRun extends Pick<Context, "terminal" | "signal" | "world"> {
  readonly config: TrainConfig;
  /** The folder with train/ and val/. */
  readonly root: string;
  /** The folder runs/NAME. */
  readonly folder: string;
  /** The folder of prepared cases that memory does not hold; without it they are prepared again. */
  readonly store?: string;
  /**
   * Whether to continue from the folder's last checkpoint, if there is one, or the path of the checkpoint to
   * continue from.
   */
  readonly resume?: boolean | string;
  /** Whether to start over even if the folder holds a run. */
  readonly overwrite?: boolean;
  /** Whether the folder's tuning.json chose the loss; a run that starts over without it removes it. */
  readonly tuned?: boolean;
  /** The text before the progress of an epoch and before log lines. */
  readonly label?: string;
  /** The number of epochs from one log line to the next; 1 by default. */
  readonly logEvery?: number;
}

/** Says whose lock of the run's folder was taken over, if that process ended without releasing it. */
export function tellTakenOver(
  { folder, terminal }: Pick<TrainRun, "folder" | "terminal">,
  { takenOver }: Lock,
): void {
  if (takenOver === undefined) return;
  const { pid, since } = takenOver;
  terminal.line(
    `${folder}: took over the lock of process ${pid}, which ended without releasing it (since ${since})`,
  );
}
