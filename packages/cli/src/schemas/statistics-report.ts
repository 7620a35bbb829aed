import type {
  BoundaryGaps,
  CaseBin,
  Comparison,
  DecisionCurve,
  DecisionPoint,
  Difference,
  Estimate,
  Interval,
  Reliability,
  RunReport,
  SampleSize,
  SignedRanks,
} from "@pixelcal/evaluate";
import type { NamedComparison } from "../runs/statistics.js";
import {
  array,
  count,
  finite,
  flag,
  integer,
  object,
  oneOf,
  optional,
  real,
  record,
  type Schema,
  text,
} from "./schema.js";

type Statistics = NonNullable<RunReport["statistics"]>;
type Calibrated = NonNullable<Reliability["calibrated"]>;

const interval = object<Interval>({ low: real, high: real });
const estimate = object<Estimate>({
  value: real,
  interval: optional(interval),
  percentile: optional(interval),
  bca: optional(interval),
});
const unit = oneOf("case", "group");

const reliability = object<Reliability>({
  name: text,
  bins: array(
    object<CaseBin>({
      low: finite,
      high: finite,
      count,
      confidence: real,
      accuracy: real,
      band: optional(interval),
      nullBand: optional(interval),
      isotonic: real,
      isotonicBand: optional(interval),
    }),
  ),
  error: estimate,
  debiased: object<Reliability["debiased"]>({ squared: real, value: real }),
  calibrated: optional(object<Calibrated>({ bound: real, mean: real })),
});

const boundary = object<BoundaryGaps>({
  unit: oneOf("mm", "px"),
  rings: array(
    object<BoundaryGaps["rings"][number]>({
      low: real,
      high: real,
      count,
      gap: real,
      band: optional(interval),
      nll: real,
    }),
  ),
  ece: estimate,
});

const decision = object<DecisionCurve>({
  event: text,
  unit: oneOf("case", "lesion"),
  cases: count,
  events: count,
  points: array(object<DecisionPoint>({ threshold: finite, model: estimate, all: estimate })),
});

/** The statistics of one run over its cases. */
export const statisticsReport: Schema = object<Statistics>({
  cases: count,
  groups: count,
  unit,
  tooFew: flag,
  level: finite,
  draws: count,
  seed: integer,
  scores: record(estimate),
  topLabel: optional(reliability),
  classes: array(reliability),
  boundary: optional(boundary),
  sampleSizes: array(object<SampleSize>({ name: text, halfWidth: finite, needed: count })),
  decision: optional(decision),
});

const difference = object<Difference>({
  name: text,
  better: optional(oneOf("lower", "higher")),
  before: estimate,
  after: estimate,
  difference: estimate,
  test: optional(object<SignedRanks>({ p: real, positive: finite, count, exact: flag })),
  adjusted: optional(real),
  verdict: oneOf(
    ...["better", "worse", "lower", "higher", "no difference", "unchanged", "too few to say", "undefined"],
  ),
});

/** The paired comparison of two runs. */
export const comparisonReport: Schema = object<NamedComparison>({
  before: text,
  after: text,
  comparison: object<Comparison>({
    cases: count,
    groups: count,
    unit,
    tooFew: flag,
    left: array(text),
    differences: array(difference),
  }),
});
