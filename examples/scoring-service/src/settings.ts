import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** The settings of the service, one option each. */
export interface Settings {
  readonly host: string;
  /** The port; 0 takes a free one. */
  readonly port: number;
  /** The number of processes that serve requests; 1 serves in the main process. */
  readonly workers: number;
  /** The processor threads of one process's kernels; by default the workers share the processors. */
  readonly threads: number;
  /** The number of classes of every case, background included. */
  readonly classes: number;
  /** The label of pixels without a ground truth. */
  readonly ignore: number | undefined;
  /** The ONNX file that predicts; without one, cases bring their probabilities. */
  readonly model: string | undefined;
  /** The number of cases of one process that are worked on at once. */
  readonly concurrency: number;
  /** The number of further cases that may wait; more are refused with 503. */
  readonly queue: number;
  /** The largest upload, in MiB. */
  readonly bodyLimit: number;
  /** The number of latest cases by which calibration is judged. */
  readonly window: number;
  /** The file of a metric state (GET /v1/state) whose calibration is normal; without one, perfect is. */
  readonly baseline: string | undefined;
  /** Seconds that requests in progress may take after SIGTERM. */
  readonly drain: number;
}

/** A wrong command line; the message is for the operator. */
export class SettingsError extends Error {}

type Range = readonly [least: number, most: number];

/** The options with a number: their defaults and ranges. */
const numbers = {
  port: { default: 8080, range: [0, 65_535] },
  workers: { default: 1, range: [1, 256] },
  classes: { default: 2, range: [2, 1000] },
  concurrency: { default: 2, range: [1, 64] },
  queue: { default: 8, range: [0, 10_000] },
  "body-limit": { default: 256, range: [1, 2000] },
  window: { default: 50, range: [8, 10_000] },
  drain: { default: 30, range: [0, 3600] },
} as const satisfies Record<string, { default: number; range: Range }>;

const options = {
  threads: { type: "string" },
  ...Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: "string" }] as const)),
  host: { type: "string" },
  ignore: { type: "string" },
  model: { type: "string" },
  baseline: { type: "string" },
} as const;

/** Reads a command line, for example ["--port", "8080"]; throws SettingsError. */
export function readSettings(args: readonly string[]): Settings {
  const values = valuesOf(args);
  const number = (name: keyof typeof numbers): number =>
    integer(name, values[name] ?? String(numbers[name].default), numbers[name].range);
  const workers = number("workers");
  const share = Math.max(1, Math.floor(availableParallelism() / workers));
  return {
    host: values.host ?? "127.0.0.1",
    port: number("port"),
    workers,
    threads: integer("threads", values.threads ?? String(share), [1, 1024]),
    classes: number("classes"),
    ignore: values.ignore === undefined ? undefined : integer("ignore", values.ignore, [-1, 65_535]),
    model: values.model,
    concurrency: number("concurrency"),
    queue: number("queue"),
    bodyLimit: number("body-limit"),
    window: number("window"),
    baseline: values.baseline,
    drain: number("drain"),
  };
}

function valuesOf(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new SettingsError((error as Error).message);
  }
}

function integer(name: string, text: string, [least, most]: Range): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
  throw new SettingsError(`--${name}: expected an integer from ${least} to ${most}, got ${text}`);
}
