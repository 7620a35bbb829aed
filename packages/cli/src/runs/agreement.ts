import type { Exchange } from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { leafDifferences } from "./leaf-differences.js";

/** The set-up of one process as it describes it, or why it has none. */
type Part = { readonly made: unknown } | { readonly failed: string };

/**
 * Returns what `setUp` makes, once it has succeeded in all processes and `describe` has said the same of
 * each, as JSON. Otherwise throws `CommandError` that names the first process with another set-up, before
 * anything is computed.
 */
export async function agreed<T>(
  exchange: Exchange | undefined,
  setUp: () => Promise<T>,
  describe: (made: T) => Promise<unknown>,
): Promise<T> {
  if (exchange === undefined) return setUp();
  let own: T | undefined;
  let failure: unknown;
  let part: Part;
  try {
    own = await exchange.working(setUp);
    part = { made: await describe(own) };
  } catch (error) {
    failure = error;
    part = { failed: error instanceof Error ? error.message : String(error) };
  }
  const parts = await exchange.allGather(part);
  if (failure !== undefined) throw failure;
  const [first] = parts;
  for (const [rank, other] of parts.entries()) {
    if ("failed" in other) throw new CommandError(`rank ${rank}: ${other.failed}`);
    const differences = leafDifferences("made" in first! ? first.made : undefined, other.made);
    if (differences.length === 0) continue;
    const shown = differences.slice(0, 3).map(({ path, before, after }) => `${path} ${after}, not ${before}`);
    const more = differences.length > 3 ? `, and ${differences.length - 3} more` : "";
    throw new CommandError(`rank ${rank} has another set-up than rank 0: ${shown.join("; ")}${more}`);
  }
  return own!;
}
