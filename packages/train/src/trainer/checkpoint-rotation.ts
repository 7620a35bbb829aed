import { copyFile, link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCode, FormatError, temporaryName, verifySafetensors, writeError } from "@pixelcal/io";
import { type Checkpoint, readCheckpoint } from "./checkpoint.js";

/** A run's files that training writes, in the order of their use: what to continue from first. */
export const checkpointFiles = {
  best: "best.safetensors",
  last: "last.safetensors",
  /** The last before the last. */
  previous: "previous.safetensors",
  log: "log.csv",
} as const;

/** A checkpoint beside a damaged one from which training can go on. */
export interface IntactCheckpoint {
  readonly path: string;
  /** Epochs it has behind it. */
  readonly epochs: number;
}

/** A checkpoint cannot be read; `intact` names those beside it that can, the latest first. */
export class DamagedCheckpointError extends FormatError {
  readonly intact: readonly IntactCheckpoint[];

  constructor(cause: FormatError, intact: readonly IntactCheckpoint[]) {
    super(cause.path, undefined, [withoutPath(cause), ...intact.map(offer)].join("; "), { cause });
    this.name = "DamagedCheckpointError";
    this.intact = intact;
  }
}

const withoutPath = ({ path, message }: FormatError): string =>
  message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;

const offer = ({ path, epochs }: IntactCheckpoint): string =>
  `${basename(path)} beside it is intact, after ${epochs} epoch${epochs === 1 ? "" : "s"}`;

/** Reads a checkpoint of a run's folder. Throws `DamagedCheckpointError` for one that is there and cannot be read. */
export async function readRunCheckpoint(path: string): Promise<Checkpoint> {
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (!(error instanceof FormatError) || errorCode(error.cause) === "ENOENT") throw error;
    throw new DamagedCheckpointError(error, await intactBeside(path));
  }
}

async function intactBeside(damaged: string): Promise<IntactCheckpoint[]> {
  const { last, previous, best } = checkpointFiles;
  const found: IntactCheckpoint[] = [];
  for (const name of [last, previous, best]) {
    const path = join(dirname(damaged), name);
    if (name === basename(damaged)) continue;
    const checkpoint = await readCheckpoint(path).catch(() => undefined);
    if (checkpoint !== undefined) found.push({ path, epochs: checkpoint.state.epoch + 1 });
  }
  return found.sort((a, b) => b.epochs - a.epochs);
}

/** Writes the checkpoints of one training into its folder, so that one that is intact is there at any moment. */
export class CheckpointRotation {
  readonly #folder: string;
  /** What is known of the file that is the last so far. */
  #last: "unknown" | "intact" | "of another run" = "unknown";

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Begins a run anew: what an earlier one has left is no previous checkpoint of it. */
  async begin(): Promise<void> {
    this.#last = "of another run";
    await rm(join(this.#folder, checkpointFiles.previous), { force: true });
  }

  /** Writes the last checkpoint with `save`, keeps the one before as the previous, and reads the new one back. */
  async saveLast(save: (path: string) => Promise<void>): Promise<void> {
    const last = join(this.#folder, checkpointFiles.last);
    // A damaged one must not take the place of the intact one that training was continued from.
    if (this.#last === "intact" || (this.#last === "unknown" && (await isIntact(last))))
      await this.#keepPrevious(last);
    await save(last);
    await verifySafetensors(last);
    this.#last = "intact";
  }

  /** A link costs nothing; where the file system has none, a copy is made. */
  async #keepPrevious(last: string): Promise<void> {
    const temporary = join(this.#folder, temporaryName(checkpointFiles.previous));
    try {
      await link(last, temporary).catch(async () => {
        await copyFile(last, temporary);
        const file = await open(temporary, "r+");
        await file.sync().finally(() => file.close());
      });
      await rename(temporary, join(this.#folder, checkpointFiles.previous));
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
