import { elementCount, type Tensor, tensor } from "@pixelcal/core";
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
  /**
   * Calls `add(channel, constraint)` for the constraints of counted pixels, and returns their number. A
   * pixel without a constraint in a channel has 0 there.
   */
  readonly constraints: (
    logits: Tensor<"float32">,
    targets: Readonly<Record<string, Tensor>>,
    add: (channel: number, constraint: number) => void,
  ) => number;
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
  const { loss, channels, rho, rhoStep } = options;
  let lambdas: number[] = [];
  let rhos: number[] = [];
  let before: number[] | undefined;
  let epochs = 0;
  let count = 0;
  let pushed: Float64Array<ArrayBufferLike> = new Float64Array();
  let sums: Float64Array<ArrayBufferLike> = new Float64Array();
  let seen: Float64Array<ArrayBufferLike> = new Float64Array();
  const prepare = (classes: number): void => {
    if (lambdas.length === channels * classes) return;
    lambdas = Array<number>(channels * classes).fill(least);
    rhos = Array<number>(channels * classes).fill(rho);
  };
  const forget = (): void => {
    count = 0;
    [pushed, sums, seen] = [0, 1, 2].map(() => new Float64Array(lambdas.length)) as [
      Float64Array<ArrayBufferLike>,
      Float64Array<ArrayBufferLike>,
      Float64Array<ArrayBufferLike>,
    ];
  };
  return {
    arrays(classes) {
      prepare(classes);
      const array = (list: readonly number[]): Tensor<"float32"> =>
        tensor("float32", Float32Array.from(list), [channels, classes]);
      return { lambda: array(lambdas), rho: array(rhos) };
    },
    observe(logits, targets) {
      prepare(logits.dims[1]!);
      if (pushed.length !== lambdas.length) forget();
      count += options.constraints(logits, targets, (channel, h) => {
        pushed[channel]! += clipped(Math.max(0, lambdas[channel]! + rhos[channel]! * h));
        sums[channel]! += h;
        seen[channel]! += 1;
      });
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

/** Calls `visit(n, i)` for the counted pixels of labels [N, ...spatial], and returns their number. */
export function countedPixels(
  { data, dims }: Tensor,
  ignore: number | undefined,
  visit: (n: number, i: number) => void,
): number {
  const pixels = elementCount(dims.slice(1));
  let count = 0;
  for (let n = 0; n < dims[0]!; n++) {
    for (let i = 0; i < pixels; i++) {
      if (ignore !== undefined && Number(data[n * pixels + i]) === ignore) continue;
      count += 1;
      visit(n, i);
    }
  }
  return count;
}
