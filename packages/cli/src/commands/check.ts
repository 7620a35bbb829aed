import { dirname } from "node:path";
import type { TiedWeights } from "@pixelcal/graph";
import type { ModelReport, ProviderReport } from "@pixelcal/train";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { integer, jsonOption, type ReadingOptions, readingOf, readingOptions } from "../options.js";
import { writeReport } from "../write-report.js";

interface Options extends ReadingOptions {
  readonly inputShape?: readonly number[];
  readonly output?: readonly string[];
  readonly tiedWeights?: TiedWeights;
  readonly threads?: number;
  readonly json?: true;
}

export function addCheck(program: Command, context: Context): void {
  const command = program
    .command("check")
    .description(
      "Report what an ONNX model is and whether it can be trained here (exit code 0 if it can, 1 if not).",
    )
    .argument("<model>", "ONNX file")
    .option(
      "--input-shape <dims>",
      "shape of the image to try, [N, C, ...spatial], for example 1x1x224x224",
      shape,
    )
    .option("--output <names>", "outputs to train, separated by commas, for example main,aux", (text) =>
      text.split(","),
    )
    .addOption(
      new Option(
        "--tied-weights <mode>",
        "weights shared by layers: separate if both have names (named), always separate (untie), as stored (keep) (default: named)",
      ).choices(["named", "untie", "keep"]),
    )
    .option("--threads <count>", "number of processor threads (default: all)", integer(1))
    .addOption(jsonOption())
    .action((path: string, options: Options) => check(path, options, context));
  for (const option of readingOptions()) command.addOption(option);
}

async function check(path: string, options: Options, context: Context): Promise<void> {
  const [{ readModel }, { GraphError }, { checkModel }] = await Promise.all([
    import("../inputs/network.js"),
    import("@pixelcal/graph"),
    import("@pixelcal/train"),
  ]);
  const file = await readModel(path);
  const { inputShape: dims, output: outputs, tiedWeights, threads, json } = options;
  const reading = { ...readingOf(options), externalData: dirname(path), tiedWeights };
  const report = await checkModel(file, { ...reading, dims, outputs, threads }).catch((error) => {
    throw error instanceof GraphError
      ? new CommandError(`${path}: ${error.message}`, { cause: error })
      : error;
  });
  const bytes = file.bytes.length;
  await writeReport(
    context,
    json,
    { command: "check", model: path, bytes, ...report },
    describe(path, bytes, report),
  );
  if (!report.trainable) throw new CommandError(`${path}: cannot be trained: ${report.problems.join("; ")}`);
}

const shape = (text: string): readonly number[] => {
  const parts = text.split("x");
  if (parts.length >= 3 && parts.length <= 5 && parts.every((part) => /^[1-9]\d{0,6}$/.test(part)))
    return parts.map(Number);
  throw new InvalidArgumentError("Expected 3 to 5 sizes [N, C, ...spatial], for example 1x1x224x224.");
};

function describe(path: string, size: number, report: ModelReport): string {
  const { facts, dims, parameters, memory, unsupported, withoutGradient } = report;
  const rows: [string, string][] = [
    [
      "model",
      `${path}, ${bytes(size)}${facts.dataFiles.length > 0 ? `, weights in ${facts.dataFiles.join(", ")}` : ""}`,
    ],
    ["producer", `${facts.producer || "unknown"}, ${opsets(facts.opsets)}, IR version ${facts.irVersion}`],
    ...facts.inputs.map((value): [string, string] => ["input", declared(value)]),
    ...facts.outputs.map((value): [string, string] => ["output", declared(value)]),
    ...Object.entries(facts.weights).map(([type, sum]): [string, string] => [
      "stored",
      `${sum.elements.toLocaleString("en")} ${type} in ${sum.arrays} arrays, ${bytes(sum.bytes)}`,
    ]),
    ["operators", operatorList(report)],
  ];
  if (report.calibrator !== undefined) {
    const { method, output, version, data } = report.calibrator;
    const fitted = version === undefined ? "" : `, fitted by PixelCal ${version}`;
    const cases = data === undefined ? "" : ` to data ${data.slice(0, 12)}`;
    rows.push(["calibrator", `${method} behind the logits of ${output}${fitted}${cases}`]);
  }
  if (unsupported.length > 0) rows.push(["unknown", unsupported.join(", ")]);
  if (withoutGradient.length > 0) rows.push(["no gradient", withoutGradient.join(", ")]);
  for (const { output, place, activation, multiLabel } of report.logits) {
    const found =
      activation === "none" ? `${output} itself` : `${place}, before the ${activation} of ${output}`;
    const overlaps = multiLabel ? " (multi-label: classes may overlap; trained with dataset.regions)" : "";
    rows.push(["logits", `${found}${overlaps}`]);
  }
  if (report.found !== undefined) {
    const { channelAxis, classAxis } = report.found;
    const flags = `--channel-axis ${channelAxis} --class-axis ${classAxis}`;
    const keys = `model: { channel_axis: ${channelAxis}, class_axis: ${classAxis} }`;
    rows.push(["layout", `channels last: use ${flags}, in a configuration ${keys}`]);
  }
  if (report.carried !== undefined)
    rows.push(["reading", `${reading(report.carried)} (the file says so; options override it)`]);
  const chosen = report.chosenSizes ? " (open sizes chosen; --input-shape gives others)" : "";
  if (dims.length > 0) rows.push(["tried with", `${dims.join(" x ")}${chosen}`]);
  if (parameters !== undefined) {
    const { arrays, elements, buffers, tied } = parameters;
    const count = elements.toLocaleString("en");
    rows.push([
      "trainable",
      `${count} parameters in ${arrays} arrays, ${buffers} running statistics; ${report.classes} classes`,
    ]);
    if (tied.length > 0) rows.push(["tied", tiedList(tied)]);
  }
  if (memory !== undefined) {
    rows.push([
      "memory",
      `${bytes(memory.predict)} to predict, ${bytes(memory.train)} to train (computed from the graphs)`,
    ]);
  }
  if (report.passThrough)
    rows.push(["as stored", "infer, Predictor and calibrate take the file as it is, without training"]);
  for (const provider of report.providers) rows.push([provider.device, tried(provider)]);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join("");
}

/** Returns how a file is read, in the words of the command line. */
function reading(carried: NonNullable<ModelReport["carried"]>): string {
  const { classAxis, channelAxis, channels, inputs = {} } = carried;
  const options = Object.entries({ "channel-axis": channelAxis, "class-axis": classAxis, channels });
  return [
    ...options.filter(([, value]) => value !== undefined).map(([name, value]) => `--${name} ${value}`),
    ...Object.entries(inputs).map(([name, values]) => `--input ${name}=${[values].flat().join(",")}`),
  ].join(" ");
}

function tiedList(tied: NonNullable<ModelReport["parameters"]>["tied"]): string {
  const shown = tied.slice(0, 3).map(({ name, layers }) => `${name} by ${layers.join(" and ")}`);
  const more = tied.length > 3 ? `, and ${tied.length - 3} more` : "";
  return `${shown.join(", ")}${more}: trained as one; tied_weights: untie gives each layer its own`;
}

function operatorList({ operators, withoutGradient }: ModelReport): string {
  const mark = (name: string, known: boolean): string =>
    known ? (withoutGradient.includes(name) ? " (no gradient)" : "") : " (unknown)";
  return operators.map(({ name, count, known }) => `${name} ${count}${mark(name, known)}`).join(", ");
}

function tried({ predicts, trains, fed, stepMilliseconds, problem }: ProviderReport): string {
  const images =
    fed === "uniform"
      ? "images with pixels from 0 to 1, and diverges on standard normal ones"
      : "images of standard normal pixels";
  if (trains)
    return `predicts and trains on ${images}; a step takes ${stepMilliseconds!.toFixed(1)} ms (measured)`;
  return `${predicts ? "predicts, does not train" : "does not run it"}: ${problem}`;
}

const declared = ({ name, type, dims }: ModelReport["facts"]["inputs"][number]): string =>
  `${name} ${type} [${dims?.join(", ") ?? "any rank"}]`;

const opsets = (versions: Readonly<Record<string, number>>): string =>
  Object.entries(versions)
    .map(([domain, version]) => `opset ${version}${domain === "" ? "" : ` of ${domain}`}`)
    .join(", ");

function bytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  const power = Math.min(3, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return `${power === 0 ? count : (count / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}
