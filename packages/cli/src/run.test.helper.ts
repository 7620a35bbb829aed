import { run } from "./program.js";
import { Terminal } from "./terminal.js";

/** The output and exit code of a command line. */
export interface Ran {
  readonly code: number;
  /** The standard output: results. */
  readonly output: string;
  /** The standard error: progress and messages. */
  readonly messages: string;
}

/**
 * Runs `pixelcal ARGS` in this process and collects its output; `onMessage` sees every message as it is
 * written.
 */
export async function pixelcal(
  args: readonly string[],
  onMessage?: (text: string) => AbortSignal | undefined,
): Promise<Ran> {
  let output = "";
  let messages = "";
  const interrupt = new AbortController();
  const terminal = new Terminal({
    write(text: string | Uint8Array): boolean {
      messages += text;
      if (onMessage?.(String(text))?.aborted) interrupt.abort();
      return true;
    },
  });
  const collected = {
    write(text: string | Uint8Array): boolean {
      output += text;
      return true;
    },
  };
  const code = await run(args, { output: collected, terminal, signal: interrupt.signal });
  return { code, output, messages };
}
