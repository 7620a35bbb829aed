import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { run } from "./program.js";
import { reportSchema, type reportSchemas } from "./schemas/report-schemas.js";
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
  if (args.includes("--json") && output !== "") checkReport(output);
  return { code, output, messages };
}

const validators = new Map<string, ValidateFunction>();

/** Throws unless a printed report is one object that the schema of its command describes. */
function checkReport(output: string): void {
  const report: { command: keyof typeof reportSchemas } = JSON.parse(output);
  const { command } = report;
  const validate =
    validators.get(command) ?? new Ajv2020({ strictTypes: false }).compile(reportSchema(command));
  validators.set(command, validate);
  if (validate(report)) return;
  const problems = validate.errors!.map(({ instancePath, message }) => `${instancePath}: ${message}`);
  throw new Error(`${command} --json: not as its schema says: ${problems.join("; ")}`);
}
