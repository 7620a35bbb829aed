import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { addonFile } from "../addon.js";

/** An MPI: its launcher with the options that jobs of tests need, its compiler and its binding. */
export interface Mpi {
  readonly name: string;
  readonly launcher: readonly [command: string, ...options: string[]];
  readonly compiler: string;
  /** The file of the binding; undefined for the one that processes find themselves. */
  readonly addon?: string;
}

/** Returns the MPI of a launcher, such as `mpirun.mpich`; undefined where it is not installed. */
export function installedMpi(command: string, compiler: string): Mpi | undefined {
  const { error, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  if (error !== undefined) return undefined;
  // Open MPI must be told about root and about more processes than processors; others know no such options.
  return /Open MPI|OpenRTE/.test(stdout)
    ? { name: "Open MPI", launcher: [command, "--allow-run-as-root", "--oversubscribe"], compiler }
    : { name: stdout.includes("HYDRA") ? "MPICH" : command, launcher: [command], compiler };
}

/** The MPI of the tests: the one of MPIRUN and MPICXX of the environment, or the machine's. */
export const siteMpi: Mpi | undefined = installedMpi(
  process.env.MPIRUN || "mpirun",
  process.env.MPICXX || "mpicxx",
);

/** Why jobs cannot be started here; undefined where they can. */
export const noMpi: string | undefined =
  siteMpi === undefined
    ? "mpirun is not installed"
    : existsSync(addonFile())
      ? undefined
      : "the MPI binding was not built: its compiler was missing when `npm run build` ran";

/** The output of a job, and its end. */
export interface Job {
  readonly code: number | null;
  readonly output: string;
  readonly messages: string;
  readonly seconds: number;
}

/** Runs a script of Node in a job of `size` processes, on the MPI of the tests by default. */
export async function mpirun(
  size: number,
  [program, ...args]: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>> = {},
  mpi: Mpi | undefined = siteMpi,
): Promise<Job> {
  if (mpi === undefined) throw new Error("mpirun is not installed");
  const begun = performance.now();
  const [command, ...options] = mpi.launcher;
  const child = spawn(command, [...options, "-n", String(size), process.execPath, program, ...args], {
    env: { ...process.env, ...(mpi.addon !== undefined && { PIXELCAL_MPI_ADDON: mpi.addon }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, messages] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return {
    code,
    output: Buffer.concat(output!).toString(),
    messages: Buffer.concat(messages!).toString(),
    seconds: (performance.now() - begun) / 1000,
  };
}

/**
 * Returns the values of a job whose processes print `{ rank, what, value }` as a line of JSON, by rank: those
 * of one `what`, or of all where a job prints one value alone.
 */
export function valuesOf({ output }: Job, what?: string): readonly unknown[] {
  const values: unknown[] = [];
  // MPICH's launcher reports a killed process there too.
  for (const line of output.split("\n").filter((line) => line.startsWith("{"))) {
    const printed = JSON.parse(line) as { rank: number; what: string; value: unknown };
    if (what === undefined || printed.what === what) values[printed.rank] = printed.value;
  }
  return values;
}
