import { checkOptions, optionNames } from "../check-options.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import type { Labels, Probabilities } from "../tensor.js";
import type { Accumulator } from "./accumulator.js";
import { BoundaryCalibrationMetric } from "./boundary-calibration-metric.js";
import { CalibrationMetric } from "./calibration-metric.js";
import type { Metric, MetricUpdateOptions } from "./metric.js";
import { decodeState, encodeState, type MetricJson, stateBytes, stateJson } from "./metric-state.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import { CasePlans, ScoredCase } from "./scored-case.js";
import { SurfaceDistanceMetric } from "./surface-distance-metric.js";
import { TemperatureMetric } from "./temperature-metric.js";

const kind = "MetricGroup";
const updateNames = optionNames<MetricUpdateOptions>({ signal: true, spacing: true });

/** The classes that a group can hold. */
const members = {
  BoundaryCalibrationMetric,
  CalibrationMetric,
  OverlapMetric,
  ProbabilityScoreMetric,
  SurfaceDistanceMetric,
  TemperatureMetric,
};

type Member = Accumulator<unknown, { readonly classes: number }>;

/** The results of the metrics of a group, by their names. */
export type GroupResult<M> = {
  readonly [K in keyof M]: M[K] extends Metric<infer R> ? R : never;
};

/**
 * Metrics that score the same cases. An update is one native call, which reads the probabilities once for
 * bins, scores, arg-max, overlap and surfaces (metrics that ignore another label share a call of their own);
 * every metric then holds exactly what it would hold alone. `spacing` is for the metrics that measure
 * distances. An update that fails or is aborted adds to none of them.
 */
export class MetricGroup<M extends Readonly<Record<string, Metric<unknown>>>>
  implements Metric<GroupResult<M>>
{
  /** The metrics, which may also be read, merged and updated alone. */
  readonly metrics: M;
  readonly #plans = new CasePlans();

  constructor(metrics: M) {
    if (typeof metrics !== "object" || metrics === null || Array.isArray(metrics)) {
      throw invalidArgument("metrics", "an object of metrics by name", metrics);
    }
    if (Object.keys(metrics).length === 0) {
      throw new InvalidArgumentError("metrics", "metrics: needs at least one metric");
    }
    for (const [name, metric] of Object.entries(metrics)) {
      const known = Object.values(members).some((each) => metric instanceof each);
      if (!known)
        throw invalidArgument(`metrics.${name}`, `one of ${Object.keys(members).join(", ")}`, metric);
    }
    this.metrics = { ...metrics };
  }

  /** Returns the group of a state; throws unless the bytes are the state of a group. */
  static restore(state: Uint8Array): MetricGroup<Readonly<Record<string, Metric<unknown>>>> {
    const { version, options, sums } = decodeState(kind, state);
    const metrics: Record<string, Metric<unknown>> = Object.create(null);
    let at = 0;
    for (const part of partsOf(options)) {
      const end = at + part.length;
      if (end > sums.length || Object.hasOwn(metrics, part.name)) throw damaged(options);
      metrics[part.name] = members[part.kind].restore(
        encodeState(part.kind, part.options, sums.slice(at, end), version),
      );
      at = end;
    }
    if (at !== sums.length) throw invalidArgument("state", `${at} sums`, sums.length);
    return new MetricGroup(metrics);
  }

  static fromJSON(json: MetricJson): MetricGroup<Readonly<Record<string, Metric<unknown>>>> {
    return MetricGroup.restore(stateBytes(kind, json));
  }

  async update(probs: Probabilities, labels: Labels, options: MetricUpdateOptions = {}): Promise<void> {
    checkOptions("options", options, updateNames);
    const scored = new ScoredCase(probs, labels, options, this.#plans);
    // All of them end before the arrays are free again; of several failures the first metric's is thrown.
    const measured = await Promise.allSettled(this.#members().map(([, metric]) => metric.measure(scored)));
    const additions = measured.map((each) => {
      if (each.status === "rejected") throw each.reason;
      return each.value;
    });
    for (const add of additions) add();
  }

  /** Adds what another group of equal metrics has seen; throws before anything is added if they differ. */
  merge(other: this): void {
    if (!(other instanceof MetricGroup)) throw invalidArgument("other", `a ${kind}`, other);
    const theirs = new Map(other.#members());
    const mine = this.#members();
    if (theirs.size !== mine.length || mine.some(([name]) => !theirs.has(name))) {
      const names = [...theirs.keys()].join(", ");
      throw invalidArgument("other", `metrics ${mine.map(([name]) => name).join(", ")}`, names);
    }
    for (const [name, metric] of mine) metric.checkMerge(theirs.get(name)!);
    for (const [name, metric] of mine) metric.merge(theirs.get(name)!);
  }

  compute(): GroupResult<M> {
    const results = this.#members().map(([name, metric]) => [name, metric.compute()] as const);
    return Object.fromEntries(results) as GroupResult<M>;
  }

  reset(): void {
    for (const [, metric] of this.#members()) metric.reset();
  }

  state(): Uint8Array {
    const contents = this.#members().map(([name, metric]) => ({ name, ...metric.content() }));
    const parts = contents.map(({ sums, ...part }) => ({ ...part, length: sums.length }));
    const all = new Float64Array(parts.reduce((total, { length }) => total + length, 0));
    let at = 0;
    for (const { sums } of contents) {
      all.set(sums, at);
      at += sums.length;
    }
    return encodeState(kind, { parts }, all);
  }

  toJSON(): MetricJson {
    return stateJson(kind, this.state());
  }

  #members(): readonly (readonly [string, Member])[] {
    return Object.entries(this.metrics) as unknown as readonly (readonly [string, Member])[];
  }
}

/** A metric in the header of a state. */
interface Part {
  readonly name: string;
  readonly kind: keyof typeof members;
  readonly options: object;
  /** The number of its sums. */
  readonly length: number;
}

function partsOf(options: object): readonly Part[] {
  const { parts } = options as { readonly parts?: unknown };
  if (!Array.isArray(parts) || !parts.every(isPart)) throw damaged(options);
  return parts;
}

function isPart(part: unknown): part is Part {
  if (typeof part !== "object" || part === null) return false;
  const { name, kind: metric, options, length } = part as Partial<Record<keyof Part, unknown>>;
  if (typeof name !== "string" || typeof metric !== "string" || !Object.hasOwn(members, metric)) return false;
  return (
    typeof options === "object" && options !== null && Number.isSafeInteger(length) && Number(length) >= 0
  );
}

function damaged(options: object): InvalidArgumentError {
  return invalidArgument("state", "named metrics with their sums", JSON.stringify(options));
}
