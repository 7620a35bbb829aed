import {
  type LossConfig,
  lossStages,
  readRunCheckpoint,
  type TrainConfig,
  trainedEpochs,
} from "@pixelcal/train";

/** A loss and the epochs that it trains. */
export interface Stage {
  readonly loss: LossConfig;
  readonly until: number;
  /** The number of the first epoch, counted from 1. */
  readonly from: number;
  /** Whether the checkpoint that it goes on from was written with the loss before it. */
  readonly takesOver: boolean;
}

/**
 * Returns the stages of a training that are still to do after the checkpoint at `path`, all without one; the
 * last one also where nothing is left.
 */
export async function stagesAfter(config: TrainConfig, path: string | undefined): Promise<readonly Stage[]> {
  const all = lossStages(config);
  const done = path === undefined || all.length === 1 ? 0 : trainedEpochs(await readRunCheckpoint(path));
  const stages = all.map((stage, i) => {
    const before = all[i - 1]?.until ?? 0;
    return { ...stage, from: before + 1, takesOver: i > 0 && done <= before };
  });
  const left = stages.filter(({ until }) => until > done);
  return left.length > 0 ? left : stages.slice(-1);
}

/** Says which loss takes over, and when. */
export const stageLine = ({ loss, from, until }: Stage): string =>
  `epochs ${from} to ${until}: ${titleOf(loss)}`;

/** Returns a loss's name with its preset. */
export const titleOf = ({ name, preset }: LossConfig): string =>
  preset === undefined ? name : `${name} (${preset})`;
