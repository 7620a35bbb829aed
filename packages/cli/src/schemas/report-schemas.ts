import type {
  DemoReport,
  DeviceReport,
  DoctorReport,
  EvaluateReport,
  InferReport,
  InitReport,
  NetworkReport,
  PhantomReport,
  Report,
  TrainReport,
  TuningTrial,
} from "../reports.js";
import { calibrateReport } from "./calibrate-report.js";
import { checkReport } from "./check-report.js";
import { runReport } from "./run-report.js";
import {
  anyObject,
  array,
  constant,
  count,
  finite,
  flag,
  integer,
  object,
  optional,
  orNull,
  real,
  type Schema,
  text,
} from "./schema.js";
import { comparisonReport } from "./statistics-report.js";

type Splits = PhantomReport["cases"];
type Page = Extract<Report, { readonly command: "report" }>;

const splits = object<Splits>({ train: count, val: count, test: count });
const devices = array(object<DeviceReport>({ device: text, problem: optional(text) }));

/** The fields that reports of one network and of several have in common. */
const trained = { folder: text, parameters: count, trained: count, seconds: finite, model: text };
const validated = { dice: real, nll: real, temperature: real };

/** The schema of the object that each command prints with `--json`, by the command. */
export const reportSchemas: { readonly [C in Report["command"]]: Schema } = {
  calibrate: calibrateReport,
  check: checkReport,
  demo: object<DemoReport>({
    command: constant("demo"),
    out: text,
    seconds: finite,
    files: object<DemoReport["files"]>({ csv: text, json: text }),
    settings: anyObject,
    runs: array(runReport),
  }),
  doctor: object<DoctorReport>({
    command: constant("doctor"),
    ok: flag,
    versions: object<DoctorReport["versions"]>({
      pixelcal: text,
      node: text,
      napi: text,
      libc: orNull(text),
      addon: orNull(text),
      onnxruntime: orNull(text),
    }),
    system: object<DoctorReport["system"]>({ platform: text, release: text, arch: text, node: text }),
    processor: object<DoctorReport["processor"]>({
      model: text,
      threads: count,
      instructionSet: orNull(text),
    }),
    libraries: array(text),
    kernels: devices,
    networks: devices,
  }),
  evaluate: object<EvaluateReport>({
    command: constant("evaluate"),
    files: object<EvaluateReport["files"]>({ csv: text, json: text, summary: optional(text) }),
    settings: anyObject,
    differences: array(text),
    runs: array(runReport),
    comparisons: optional(array(comparisonReport)),
    report: optional(
      object<NonNullable<EvaluateReport["report"]>>({ file: text, bytes: count, pictures: count }),
    ),
  }),
  infer: object<InferReport>({
    command: constant("infer"),
    folder: text,
    split: text,
    cases: array(text),
  }),
  init: object<InitReport>({
    command: constant("init"),
    config: text,
    root: text,
    dimensions: count,
    channels: count,
    classes: count,
    sizes: object<InitReport["sizes"]>({ least: array(count), largest: array(count) }),
    cases: splits,
    ignore: optional(integer),
  }),
  phantom: object<PhantomReport>({
    command: constant("phantom"),
    root: text,
    cases: splits,
    seed: integer,
    truth: text,
  }),
  report: object<Page>({
    command: constant("report"),
    file: text,
    bytes: count,
    pictures: count,
    runs: array(text),
    cases: count,
  }),
  train: object<TrainReport>({
    ...trained,
    command: constant("train"),
    run: text,
    epochs: optional(count),
    bestEpoch: optional(count),
    stoppedEarly: optional(flag),
    validation: object<TrainReport["validation"]>({ ...validated, loss: optional(real) }),
    checkpoint: optional(text),
    members: optional(
      array(
        object<NetworkReport>({
          ...trained,
          epochs: count,
          bestEpoch: count,
          stoppedEarly: flag,
          validation: object<NetworkReport["validation"]>({ ...validated, loss: real }),
          checkpoint: text,
        }),
      ),
    ),
    tuning: optional(
      object<NonNullable<TrainReport["tuning"]>>({
        chosen: object<{ dice: number; scale: number }>({ dice: finite, scale: finite }),
        trials: array(
          object<TuningTrial>({ dice: finite, scale: finite, epochs: count, nll: orNull(finite) }),
        ),
      }),
    ),
  }),
};

/** Returns the schema of a command's report as a document of its own. */
export function reportSchema(command: Report["command"]): Readonly<Record<string, unknown>> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `pixelcal ${command} --json`,
    ...reportSchemas[command].json,
  };
}
