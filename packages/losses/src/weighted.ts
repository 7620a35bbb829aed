import {
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  type Labels,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import type { Loss, TargetContext, TargetSpecs } from "./loss.js";
import type { LossState } from "./loss-state.js";

/** One loss of a weighted sum. */
export interface WeightedPart {
  readonly weight: number;
  readonly loss: Loss;
}

const partNames = optionNames<WeightedPart>({ weight: true, loss: true });

/**
 * Returns the weighted sum of losses. Its terms are those of the parts, named as "nacl.crossEntropy" beside
 * each loss as a whole ("nacl"); of several of one name the later are numbered ("nacl2").
 */
export function weighted(parts: readonly WeightedPart[]): Loss {
  if (!Array.isArray(parts) || parts.length === 0)
    throw invalidArgument("losses", "at least one loss", parts);
  parts.forEach((part, index) => {
    checkOptions(`losses[${index}]`, part, partNames);
    const { weight } = part;
    if (!Number.isFinite(weight)) throw invalidArgument(`losses[${index}].weight`, "a finite number", weight);
  });
  const named = parts.map((part, index) => ({ ...part, key: keyOf(parts, index) }));
  // A pixel counts nowhere only if every part ignores it.
  const { ignore } = parts[0]!.loss;
  const shared = ignore !== undefined && parts.every(({ loss }) => loss.ignore === ignore);
  const presets = new Set(parts.map(({ loss }) => loss.preset));
  return {
    name: "weighted",
    preset: [...presets].join("+"),
    needsImage: parts.some(({ loss }) => loss.needsImage),
    ...(shared && { ignore }),
    ...(named.some(({ loss }) => loss.state !== undefined) && { state: jointState(named) }),
    targetSpecs: Object.assign(
      {},
      ...named.map(({ key, loss }) => prefixed(key, loss.targetSpecs)),
    ) as TargetSpecs,
    async targets(labels: Labels, context: TargetContext): Promise<Record<string, Tensor>> {
      const all = await Promise.all(
        named.map(async ({ key, loss }) => prefixed(key, await loss.targets(labels, context))),
      );
      return Object.assign({}, ...all);
    },
    build(logits: Value, targets: Record<string, Value>) {
      const terms: Record<string, Value> = {};
      let sum: Value | undefined;
      for (const { key, loss, weight } of named) {
        const built = loss.build(logits, own(key, loss, targets));
        terms[key] = built.loss;
        for (const [name, term] of Object.entries<Value>(built.terms)) terms[`${key}.${name}`] = term;
        const share = ops.Mul(built.loss, weight);
        sum = sum === undefined ? share : ops.Add(sum, share);
      }
      return { loss: sum!, terms };
    },
  };
}

/** Returns the states of the parts as one, their arrays under the names of targets. */
function jointState(named: readonly { readonly key: string; readonly loss: Loss }[]): LossState {
  const states = named.flatMap(({ key, loss }) => (loss.state ? [{ key, loss, state: loss.state }] : []));
  return {
    arrays: (classes) =>
      Object.assign({}, ...states.map(({ key, state }) => prefixed(key, state.arrays(classes)))),
    async observe(logits, targets) {
      for (const { key, loss, state } of states) {
        const names = Object.keys(loss.targetSpecs);
        const own = names.map((name) => [name, targets[targetName(key, name)]] as const);
        await state.observe(
          logits,
          Object.fromEntries(own.filter(([, value]) => value !== undefined)) as Named,
        );
      }
    },
    update() {
      for (const { state } of states) state.update();
    },
    save: () => Object.fromEntries(states.map(({ key, state }) => [key, state.save()])),
    restore(saved) {
      const parts = (saved ?? {}) as Readonly<Record<string, unknown>>;
      for (const { key, state } of states) state.restore(parts[key]);
    },
  };
}

type Named = Readonly<Record<string, Tensor>>;

function keyOf(parts: readonly WeightedPart[], index: number): string {
  const { name } = parts[index]!.loss;
  const earlier = parts.slice(0, index).filter(({ loss }) => loss.name === name).length;
  return earlier === 0 ? name : `${name}${earlier + 1}`;
}

// Labels are shared by all parts; other targets may share a name and differ.
function prefixed<T>(key: string, targets: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(targets).map(([name, value]) => [targetName(key, name), value]));
}

function own(key: string, loss: Loss, targets: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.keys(loss.targetSpecs).map((name) => {
      const value = targets[targetName(key, name)];
      if (value === undefined) {
        const full = targetName(key, name);
        throw new InvalidArgumentError(`targets.${full}`, `targets.${full}: missing`);
      }
      return [name, value];
    }),
  );
}

function targetName(key: string, name: string): string {
  return name === "labels" ? name : `${key}.${name}`;
}
