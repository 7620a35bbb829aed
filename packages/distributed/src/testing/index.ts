import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { addonFile } from "../addon.js";

/** Why jobs cannot be started here; undefined where they can. */
export const noMpi: string | undefined =
  spawnSync("mpirun", ["--version"], { stdio: "ignore" }).error !== undefined
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

/** Runs a script of Node in a job of `size` processes. */
export async function mpirun(
  size: number,
  [program, ...args]: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Job> {
  const begun = performance.now();
  const own = ["--allow-run-as-root", "--oversubscribe", "-n", String(size)];
  const child = spawn("mpirun", [...own, process.execPath, program, ...args], {
    env: { ...process.env, ...env },
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

/** Returns the values of a job whose processes print `{ rank, value }` as a line of JSON, by rank. */
export function valuesOf({ output }: Job): readonly unknown[] {
  const values: unknown[] = [];
  for (const line of output.split("\n").filter(Boolean)) {
    const { rank, value } = JSON.parse(line) as { rank: number; value: unknown };
    values[rank] = value;
  }
  return values;
}
