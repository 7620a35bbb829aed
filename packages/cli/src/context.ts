import type { World } from "@pixelcal/distributed";
import type { Output, Terminal } from "./terminal.js";

/** The parts of the world, besides files, that a command may use. */
export interface Context {
  /** The stream of results, such as tables. */
  readonly output: Output;
  /** The terminal for progress and messages. */
  readonly terminal: Terminal;
  /** The signal that is aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  /** The processes of the job that works on the command together, if it is one. */
  readonly world?: World;
}
