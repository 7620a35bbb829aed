import type { Output, Terminal } from "./terminal.js";

/** The parts of the world, besides files, that a command may use. */
export interface Context {
  /** The stream of results, such as tables. */
  readonly output: Output;
  /** The terminal for progress and messages. */
  readonly terminal: Terminal;
  /** The signal that is aborted when the user asks to stop. */
  readonly signal: AbortSignal;
}
