import { copyFile, link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCode, FormatError, temporaryName, verifySafetensors, writeError } from "@pixelcal/io";
import { type Checkpoint, readCheckpoint } from "./checkpoint.js";

/** The files that training writes to a run's folder. */
export const checkpointFiles = {
  best: "best.safetensors",
  last: "last.safetensors",
  /** The checkpoint before `last`. */
  previous: "previous.safetensors",
  log: "log.csv",
  /** The learning curves, as a vector graphic and in pixels. */
  curves: "curves.svg",
  picture: "curves.png",
} as const;

/** An intact checkpoint beside a damaged one, from which training can resume. */
export interface IntactCheckpoint {
  readonly path: string;
  /** Epochs trained so far. */
  readonly epochs: number;
}

/** A checkpoint that cannot be read; `intact` names the readable ones beside it, the latest first. */
export class DamagedCheckpointError extends FormatError {
  readonly intact: readonly IntactCheckpoint[];

  constructor(cause: FormatError, intact: readonly IntactCheckpoint[]) {
    const what = [withoutPath(cause), ...intact.map(offer)].join("; ");
    super(cause.path, undefined, what, { cause, code: "ERR_PIXELCAL_DAMAGED_CHECKPOINT" });
    this.name = "DamagedCheckpointError";
    this.intact = intact;
  }
}

const withoutPath = ({ path, message }: FormatError): string =>
  message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;

const offer = ({ path, epochs }: IntactCheckpoint): string =>
  `${basename(path)} beside it is intact, after ${epochs} epoch${epochs === 1 ? "" : "s"}`;

/** Reads a checkpoint of a run's folder. Throws `DamagedCheckpointError` if it exists and cannot be read. */
export async function readRunCheckpoint(path: string): Promise<Checkpoint> {
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (!(error instanceof FormatError) || errorCode(error.cause) === "ENOENT") throw error;
    throw new DamagedCheckpointError(error, await intactBeside(path));
  }
}

/** Returns the number of whole epochs that a checkpoint has trained. */
export function trainedEpochs({ state: { epoch, extra } }: Checkpoint): number {
  const begun = typeof extra === "object" && extra !== null && "begun" in extra;
  return begun ? epoch : epoch + 1;
}

async function intactBeside(damaged: string): Promise<IntactCheckpoint[]> {
  const { last, previous, best } = checkpointFiles;
  const found: IntactCheckpoint[] = [];
  for (const name of [last, previous, best]) {
    const path = join(dirname(damaged), name);
    if (name === basename(damaged)) continue;
    const checkpoint = await readCheckpoint(path).catch(() => undefined);
    if (checkpoint !== undefined) found.push({ path, epochs: trainedEpochs(checkpoint) });
  }
  return found.sort((a, b) => b.epochs - a.epochs);
}

/** Writes the checkpoints of one training into its folder, which holds an intact one at any moment. */
export class CheckpointRotation {
  readonly #folder: string;
  /** The state of the current `last` file, as far as known. */
  #last: "unknown" | "intact" | "of another run" = "unknown";

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Begins a new run, and removes the previous checkpoint of an earlier one. */
  async begin(): Promise<void> {
    this.#last = "of another run";
    await rm(join(this.#folder, checkpointFiles.previous), { force: true });
  }

  /** Writes the last checkpoint with `save`, keeps the one before as `previous`, and verifies the new one. */
  async saveLast(save: (path: string) => Promise<void>): Promise<void> {
    const last = join(this.#folder, checkpointFiles.last);
    // A damaged `last` must not replace the intact `previous` that training resumed from.
    if (this.#last === "intact" || (this.#last === "unknown" && (await isIntact(last))))
      await this.#keepPrevious(last);
    await save(last);
    await verifySafetensors(last);
    this.#last = "intact";
  }

  /** Links `last` as `previous`, or copies it on file systems without links. */
  async #keepPrevious(last: string): Promise<void> {
    const temporary = join(this.#folder, temporaryName(checkpointFiles.previous));
    try {
      await link(last, temporary).catch(async () => {
        await copyFile(last, temporary);
        const file = await open(temporary, "r+");
        await file.sync().finally(() => file.close());
      });
      await rename(temporary, join(this.#folder, checkpointFiles.previous));
      // After a kill at this point the previous checkpoint already is the last: renaming one link of a file
      // to another does nothing and leaves both.
      await rm(temporary, { force: true });
    } catch (error) {
      await rm(temporary, { force: true });
      throw writeError(last, error);
    }
  }
}

const isIntact = (path: string): Promise<boolean> =>
  verifySafetensors(path).then(
    () => true,
    () => false,
  );
