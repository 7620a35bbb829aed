import { CommandError, Interrupted } from "./command-error.js";
import type { Terminal } from "./terminal.js";

/** Says why a command failed. */
export function tellFailure(error: unknown, terminal: Terminal, before = ""): void {
  if (error instanceof Interrupted) terminal.line(error.message);
  else terminal.error(`${before}${messageOf(error)}`);
}

/** Returns an error's message, or with PIXELCAL_DEBUG=1 its stack. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.PIXELCAL_DEBUG === "1" ? (error.stack ?? error.message) : error.message;
}

/** Returns the exit code of a command that failed. */
export function exitCode(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  // By name: the class would load the training library.
  return error instanceof Error && error.name === "ConfigError" ? 2 : 1;
}
