import { setTimeout } from "node:timers/promises";
import type { Context } from "./context.js";
import { exitCode, tellFailure } from "./failure.js";

/**
 * Runs a command's work in every process of the MPI job that this process is one of, if any. The first
 * process speaks and writes for all. A failure in any ends the job: its message is shown once, and its exit
 * code is the job's.
 */
export async function inJob(context: Context, work: (context: Context) => Promise<void>): Promise<void> {
  const { launch, World } = await import("@pixelcal/distributed");
  const launched = launch();
  if (launched === undefined) return work(context);
  const { rank } = launched;
  const { terminal } = context;
  terminal.silent = rank > 0;
  const output = rank > 0 ? { write: () => true } : context.output;
  let world: Context["world"];
  try {
    world = World.open();
    await work({ ...context, output, world });
    await world.close();
  } catch (error) {
    // The first process says what fails everywhere, on a busy node seconds later, and the launcher then ends
    // the others, by SIGTERM.
    if (rank > 0) await setTimeout(4000 + 200 * Math.min(rank, 10));
    if (rank > 0 && context.signal.aborted) process.exit(exitCode(error));
    terminal.silent = false;
    if (world === undefined) throw error;
    tellFailure(error, terminal, rank === 0 ? "" : `rank ${rank}: `);
    world.abort(exitCode(error));
  }
}
