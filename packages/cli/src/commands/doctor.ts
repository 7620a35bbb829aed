import type { Command } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { jsonOption } from "../options.js";
import type { DeviceReport, DoctorReport } from "../reports.js";
import { version } from "../version.js";

export function addDoctor(program: Command, context: Context): void {
  program
    .command("doctor")
    .description(
      "Report what is installed, what loads and which devices work (exit code 0 if the CPU does, 1 if not).",
    )
    .addOption(jsonOption())
    .action((options: { readonly json?: true }) => doctor(options, context));
}

async function doctor({ json }: { readonly json?: true }, context: Context): Promise<void> {
  const { examine } = await import("../runs/doctor.js");
  const report = await examine(version());
  // The formatter of other reports needs the addon, which may be what does not load.
  context.output.write(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
  if (!report.ok) throw new CommandError("the CPU does not work; the report says why");
}

function describe({ versions, system, processor, libraries, kernels, networks }: DoctorReport): string {
  const { pixelcal, node, napi, libc, addon, onnxruntime } = versions;
  const rows: [string, string][] = [
    ["pixelcal", pixelcal],
    ["node", `${node}, Node-API ${napi}, ${system.node}`],
    ["system", `${system.platform} ${system.release} ${system.arch}, ${libc ?? "no glibc"}`],
    [
      "processor",
      `${processor.model}, ${processor.threads} threads, ${processor.instructionSet ?? "no"} kernels`,
    ],
    ["addon", addon ?? "does not load"],
    ["onnxruntime", onnxruntime ?? "does not load"],
    ...libraries.map((path): [string, string] => ["loaded", path]),
    ...kernels.map((device): [string, string] => [`kernels on ${device.device}`, stateOf(device)]),
    ...networks.map((device): [string, string] => [`networks on ${device.device}`, stateOf(device)]),
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join("");
}

const stateOf = ({ problem }: DeviceReport): string =>
  problem === undefined ? "works" : `absent: ${problem}`;
