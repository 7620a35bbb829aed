import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Lock } from "@pixelcal/io";
import { checkpointFiles, type TrainConfig } from "@pixelcal/train";
import type { Context } from "../context.js";
import { memberFolder } from "./member-folders.js";

/** The files of a run's folder besides the checkpoints and the log. */
export const runFiles = {
  config: "config.json",
  model: "model.onnx",
  tuning: "tuning.json",
  postprocessing: "postprocessing.json",
  events: "events.out.tfevents.pixelcal",
} as const;

/** The place of a network among those of a run, from 1 on. */
interface Member {
  readonly number: number;
  readonly count: number;
}

/** Returns the number of networks that a run trains. */
export const memberCount = ({ members = 1 }: Pick<TrainConfig, "members">): number => members;

/** Returns the checkpoints of the best epochs in a run's folder, one a network. */
export const bestCheckpoints = (folder: string, config: TrainConfig): readonly string[] => {
  const count = memberCount(config);
  const folders =
    count === 1 ? [folder] : Array.from({ length: count }, (_, k) => memberFolder(folder, k + 1));
  return folders.map((own) => join(own, checkpointFiles.best));
};

/** Tells whether a folder holds a run of one network with a checkpoint, or of several. */
export const isBegun = (folder: string): { readonly one: boolean; readonly several: boolean } => ({
  one: existsSync(join(folder, checkpointFiles.last)),
  several: existsSync(join(memberFolder(folder, 1), checkpointFiles.last)),
});

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
  /** Which of the run's networks is trained, where there are several. */
  readonly member?: Member;
  /**
   * Called with the configuration as it is trained, with the numbers of the training split, once all is
   * checked and before the files of an earlier run go.
   */
  onReady?(config: TrainConfig): Promise<void>;
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
