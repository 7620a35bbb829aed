import type { ModelReport } from "@pixelcal/train";
import type { CheckReport } from "../reports.js";
import { calibratorJson } from "./calibrate-report.js";
import {
  anyObject,
  array,
  constant,
  count,
  finite,
  flag,
  integer,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  text,
} from "./schema.js";

type Facts = ModelReport["facts"];
type Parameters = NonNullable<ModelReport["parameters"]>;

const facts = object<Facts>({
  graph: text,
  producer: text,
  irVersion: integer,
  opsets: record(integer),
  metadata: record(text),
  inputs: array(anyObject),
  outputs: array(anyObject),
  weights: record(object<Facts["weights"][string]>({ arrays: count, elements: count, bytes: count })),
  dataFiles: array(text),
});

/** The report of `pixelcal check`. */
export const checkReport: Schema = object<CheckReport>({
  command: constant("check"),
  model: text,
  bytes: count,
  facts,
  operators: array(
    object<ModelReport["operators"][number]>({ name: text, count, known: flag, gradient: flag }),
  ),
  dims: array(count),
  chosenSizes: flag,
  found: optional(
    object<NonNullable<ModelReport["found"]>>({
      classAxis: optional(integer),
      channelAxis: optional(integer),
    }),
  ),
  carried: optional(anyObject),
  unsupported: array(text),
  withoutGradient: array(text),
  logits: array(
    object<ModelReport["logits"][number]>({
      output: text,
      place: text,
      activation: oneOf("none", "softmax", "log-softmax", "sigmoid"),
      multiLabel: flag,
    }),
  ),
  calibrator: optional(
    object<NonNullable<ModelReport["calibrator"]>>({
      output: text,
      method: text,
      version: optional(text),
      data: optional(text),
      calibrators: array(calibratorJson),
    }),
  ),
  parameters: optional(
    object<Parameters>({
      arrays: count,
      elements: count,
      buffers: count,
      tied: array(object<Parameters["tied"][number]>({ name: text, layers: array(text) })),
    }),
  ),
  classes: optional(count),
  memory: optional(object<NonNullable<ModelReport["memory"]>>({ predict: finite, train: finite })),
  passThrough: optional(flag),
  providers: array(
    object<ModelReport["providers"][number]>({
      device: text,
      predicts: flag,
      trains: flag,
      fed: optional(oneOf("normal", "uniform")),
      stepMilliseconds: optional(finite),
      problem: optional(text),
    }),
  ),
  problems: array(text),
  trainable: flag,
});
