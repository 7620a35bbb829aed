import type { Output, Terminal } from "./terminal.js";

/** What a command may touch of the world besides files. */
export interface Context {
  /** Results: tables. */
  readonly output: Output;
  /** Progress and messages. */
  readonly terminal: Terminal;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
}
