import { type ConstraintSumsOptions, constraintSums, type Labels, type Tensor, tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { type LossState, savedLists } from "./loss-state.js";

/** The options of {@link augmentedLagrangian}. */
interface LagrangianOptions {
  readonly loss: string;
  /** Channels per class: each has a multiplier and a penalty parameter. */
  readonly channels: number;
  /** The first penalty parameter. */
  readonly rho: number;
  /** Epochs after which penalty parameters may grow. */
  readonly rhoStep: number;
  /** The label of pixels that do not count. */
  readonly ignore: number | undefined;
  readonly margin: number;
  /** Returns what the logits are held against; absent where it is their own maximum, see `constraintSums`. */
  readonly targets?: (
    targets: Readonly<Record<string, Tensor>>,
  ) => Required<Pick<ConstraintSumsOptions, "targets" | "near">>;
}

const [least, most] = [1e-6, 1e6];
const clipped = (value: number): number => Math.min(most, Math.max(least, value));

/**
 * Returns multipliers lambda and penalty parameters rho [channels, C] that follow the validation split:
 * after each epoch lambda becomes the mean over its pixels of max(0, lambda + rho h), h the constraints;
 * every `rhoStep` epochs rho grows by a fifth, up to 10, where the mean of h is above 0.9 of what it was an
 * epoch before.
 */
export function augmentedLagrangian(options: LagrangianOptions): LossState {
  const { loss, channels, rho, rhoStep, ignore, margin } = options;
  let lambdas: number[] = [];
  let rhos: number[] = [];
  let before: number[] | undefined;
  let epochs = 0;
  let count = 0;
  let [pushed, sums, seen]: [number[], number[], number[]] = [[], [], []];
  const prepare = (classes: number): void => {
    if (lambdas.length === channels * classes) return;
    lambdas = Array<number>(channels * classes).fill(least);
    rhos = Array<number>(channels * classes).fill(rho);
  };
  const forget = (): void => {
    count = 0;
    const zeros = (): number[] => lambdas.map(() => 0);
    [pushed, sums, seen] = [zeros(), zeros(), zeros()];
  };
  return {
    arrays(classes) {
      prepare(classes);
      const array = (list: readonly number[]): Tensor<"float32"> =>
        tensor("float32", Float32Array.from(list), [channels, classes]);
      return { lambda: array(lambdas), rho: array(rhos) };
    },
    async observe(logits, targets) {
      prepare(logits.dims[1]!);
      if (pushed.length !== lambdas.length) forget();
      const more = await constraintSums(logits, targets.labels as Labels, {
        ignore,
        margin,
        ...options.targets?.(targets),
        multipliers: lambdas,
        parameters: rhos,
      });
      count += more.count;
      for (const [channel, sum] of more.constraints.entries()) {
        pushed[channel]! += more.pushed[channel]!;
        sums[channel]! += sum;
        seen[channel]! += more.seen[channel]!;
      }
    },
    update() {
      if (count === 0) return;
      epochs += 1;
      const means = Array.from(sums, (sum) => sum / count);
      const grows = epochs % rhoStep === 0;
      for (const [channel, lambda] of lambdas.entries()) {
        // The pixels of other channels have h = 0 here.
        const others = (count - seen[channel]!) * clipped(lambda);
        lambdas[channel] = clipped((pushed[channel]! + others) / count);
        if (grows && before !== undefined && means[channel]! > 0.9 * before[channel]!)
          rhos[channel] = Math.min(1.2 * rhos[channel]!, 10);
      }
      before = means;
      forget();
    },
    save: () => ({ lambdas, rhos, before: before ?? [], epochs: [epochs] }),
    restore(saved) {
      const lists = savedLists(loss, saved, ["lambdas", "rhos", "before", "epochs"]);
      lambdas = [...lists.lambdas];
      rhos = [...lists.rhos];
      before = lists.before.length === 0 ? undefined : [...lists.before];
      epochs = lists.epochs[0] ?? 0;
      forget();
    },
  };
}

/**
 * Returns the penalty of Powell, Hestenes and Rockafellar entry by entry: lambda h + rho h^2 / 2 where
 * lambda + rho h is 0 or more, else -lambda^2 / (2 rho).
 */
export function phrPenalty(h: Value, lambda: Value, rho: Value): Value {
  const active = ops.GreaterOrEqual(ops.Add(lambda, ops.Mul(rho, h)), 0);
  const above = ops.Add(ops.Mul(lambda, h), ops.Mul(ops.Mul(rho, 0.5), ops.Mul(h, h)));
  const below = ops.Neg(ops.Div(ops.Mul(lambda, lambda), ops.Mul(rho, 2)));
  return ops.Where(active, above, below);
}

/** Returns a row of [channels, C] as [1, C, 1, ...], to go with maps over classes. */
export function channelRow(array: Value, row: number, spatial: readonly number[]): Value {
  const classes = array.dims[1]!;
  return ops.Reshape(ops.Slice(array, [row], [row + 1], [0]), [1, classes, ...spatial.map(() => 1)]);
}
