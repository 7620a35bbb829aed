import { InvalidArgumentError } from "@pixelcal/core";
import { GraphError } from "@pixelcal/graph";
import {
  type CaseShape,
  type FileDataset,
  imagesOf,
  type LoaderOptions,
  type Share,
  type TrainConfig,
  type Trainer,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import type { Terminal } from "../terminal.js";

interface Splits {
  readonly train: FileDataset;
  readonly validation: FileDataset;
  /** The share of every batch that this process trains; whole batches by default. */
  readonly share?: Share | undefined;
}

/** Throws `CommandError` for cases that no batch of the configuration holds together. */
export function checkShapes({ batch_size, patches, augment }: TrainConfig, train: FileDataset): void {
  if (patches !== undefined) return;
  const [first, second] = train.shapes;
  const described = ({ dims, index }: CaseShape): string => `${train.source(index)} is [${dims}]`;
  if (batch_size > 1 && second !== undefined)
    throw refused(
      "batch_size",
      `1, or patches, for images of ${train.shapes.length} shapes (${described(first!)}, ${described(second)})`,
      batch_size,
    );
  const odd = train.shapes.find(({ dims }) => dims.at(-1) !== dims.at(-2));
  if (augment.rotations && odd !== undefined)
    throw refused("augment.rotations", "images as wide as high, or patches", `${described(odd)}`);
}

/**
 * Lays out every graph that a run needs, so that what the network cannot take ends it before the first step.
 * Returns what becomes of the cases left over after the last whole batch.
 */
export async function layOutRun(
  config: TrainConfig,
  trainer: Trainer,
  { train, validation, share }: Splits,
  terminal: Terminal,
): Promise<NonNullable<LoaderOptions["remainder"]>> {
  const { patches, batch_size } = config;
  const steps =
    patches === undefined ? train.shapes : [{ dims: [train.channels, ...patches.size], index: 0 }];
  const count = patches?.per_epoch ?? train.names.length;
  const whole = Math.min(batch_size, count);
  const left = count % whole;
  const own = (images: number): number => (share === undefined ? images : imagesOf(images, share));
  for (const { dims, index } of steps)
    await named(train.source(index), () => trainer.layOut("step", [own(whole), ...dims]));
  for (const { dims, index } of patches === undefined ? validation.shapes : steps)
    await named(validation.source(index), () => trainer.layOut("evaluation", [1, ...dims]));
  const { remainder } = config;
  if (left === 0 || (remainder ?? "keep") !== "keep") return remainder ?? "keep";
  try {
    for (const { dims } of steps) await trainer.layOut("step", [own(left), ...dims]);
    return "keep";
  } catch (error) {
    if (!isLayout(error)) throw error;
    const size = `the last batch of ${left} cannot be trained: ${error.message}`;
    if (remainder === "keep")
      throw new CommandError(`remainder: ${size}; use drop or wrap`, { exitCode: 2, cause: error });
    terminal.line(`${size}; filled up to ${whole} from the epoch's first (remainder: wrap)`);
    return "wrap";
  }
}

const isLayout = (error: unknown): error is Error =>
  error instanceof GraphError || error instanceof InvalidArgumentError;

async function named(source: string, layOut: () => Promise<void>): Promise<void> {
  try {
    await layOut();
  } catch (error) {
    if (!isLayout(error)) throw error;
    throw new CommandError(`${source}: ${error.message}`, { cause: error });
  }
}

const refused = (key: string, expected: string, got: unknown): CommandError =>
  new CommandError(`${key}: expected ${expected}, got ${got}`, { exitCode: 2 });
