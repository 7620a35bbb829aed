import { cpus, release } from "node:os";
import type { DeviceReport, DoctorReport } from "../reports.js";

/** Finds out what is installed and which devices work. Every failure is part of the report. */
export async function examine(pixelcal: string): Promise<DoctorReport> {
  const kernels = await kernelsHere();
  const networks = await networksHere();
  // Listed after both have loaded what they need.
  const { libc, libraries } = processHere();
  const onCpu = ({ devices }: Part): string | undefined =>
    devices.find(({ device }) => device === "cpu")?.problem;
  // The runtime is optional: who only scores does without.
  const withoutRuntime = onCpu(networks)?.startsWith("onnxruntime-node is not installed") === true;
  return {
    command: "doctor",
    ok: onCpu(kernels) === undefined && (onCpu(networks) === undefined || withoutRuntime),
    versions: {
      pixelcal,
      node: process.versions.node,
      napi: process.versions.napi!,
      libc,
      addon: kernels.version,
      onnxruntime: networks.version,
    },
    system: { platform: process.platform, release: release(), arch: process.arch, node: process.execPath },
    processor: {
      model: cpus()[0]?.model ?? "unknown",
      threads: cpus().length,
      instructionSet: kernels.instructionSet,
    },
    libraries,
    kernels: kernels.devices,
    networks: networks.devices,
  };
}

interface Part {
  readonly version: string | null;
  readonly devices: readonly DeviceReport[];
}

async function kernelsHere(): Promise<Part & { readonly instructionSet: string | null }> {
  try {
    const { kernelEnvironment } = await import("@pixelcal/core");
    const { version, instructionSet, cudaProblem } = kernelEnvironment();
    return { version, instructionSet, devices: [{ device: "cpu" }, deviceReport("cuda", cudaProblem)] };
  } catch (error) {
    return { version: null, instructionSet: null, devices: [{ device: "cpu", problem: messageOf(error) }] };
  }
}

async function networksHere(): Promise<Part> {
  try {
    const { networkDeviceProblem, runtimeVersion, trainDevices } = await import("@pixelcal/train");
    const devices = await Promise.all(
      trainDevices.map(async (device) => deviceReport(device, await networkDeviceProblem(device))),
    );
    return { version: await runtimeVersion().catch(() => null), devices };
  } catch (error) {
    return { version: null, devices: [{ device: "cpu", problem: messageOf(error) }] };
  }
}

const deviceReport = (device: DeviceReport["device"], problem: string | undefined): DeviceReport =>
  problem === undefined ? { device } : { device, problem };

/** Returns the C library and the addons and runtimes that this process has loaded, by Node's own report. */
function processHere(): { libc: string | null; libraries: readonly string[] } {
  // Looking up host names of connections would take seconds.
  // The types of Node 20 lack the property.
  Object.assign(process.report, { excludeNetwork: true });
  const { header, sharedObjects } = process.report.getReport() as {
    header: { glibcVersionRuntime?: string };
    sharedObjects: readonly string[];
  };
  const { glibcVersionRuntime: glibc } = header;
  const ours = sharedObjects.filter((path) => /\.node$|onnxruntime/.test(path));
  return { libc: glibc === undefined ? null : `glibc ${glibc}`, libraries: [...new Set(ours)] };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
