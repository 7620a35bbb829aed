import type { Context } from "./context.js";
import type { Report } from "./reports.js";

/** Writes a command's result to stdout: one JSON object if `json` asks for it, else `text` for people. */
export async function writeReport(
  { output }: Pick<Context, "output">,
  json: boolean | undefined,
  report: Report,
  text: string,
): Promise<void> {
  if (!json) output.write(text);
  else output.write((await import("@pixelcal/evaluate")).formatJson(report));
}
