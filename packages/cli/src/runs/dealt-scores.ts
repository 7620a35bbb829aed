import { deserialize, serialize } from "node:v8";
import type { World } from "@pixelcal/distributed";
import { type Evaluation, type EvaluationRow, summaryOf } from "@pixelcal/evaluate";
import { CommandError } from "../command-error.js";
import type { RunSource, ScoreSettings } from "./run-sources.js";

type Scored = Awaited<ReturnType<RunSource["score"]>>;

/**
 * Scores cases of a run, each by the process of a job that is free next, and returns their evaluations by
 * region in process 0: the same bits as in one process. Undefined in the other processes. `onCase` gets the
 * number of cases that were dealt out before this process's next.
 */
export async function scoreDealt(
  { source, cases }: { readonly source: RunSource; readonly cases: readonly string[] },
  settings: ScoreSettings,
  onCase: (done: number) => void,
  world: World | undefined,
): Promise<Scored | undefined> {
  if (world === undefined) {
    let done = 0;
    return source.score(cases, settings, () => onCase(++done));
  }
  const begun: number[] = [];
  const numbers = world.deal(cases.length);
  const first = await numbers.next();
  async function* names(): AsyncGenerator<string> {
    for (let next = first; !next.done; next = await numbers.next()) {
      begun.push(next.value);
      yield cases[next.value]!;
    }
  }
  // A process for which no case is left has no evaluation.
  const own: Scored = first.done
    ? new Map()
    : await source.score(names(), settings, () => onCase(begun.shift()! + 1));
  const rows = Array.from(own, ([region, evaluation]) => [region, evaluation.rows]);
  const parts = await world.gather(serialize(rows));
  return parts && merged(parts, cases);
}

/** Returns the evaluations of all processes' rows, in the order of the cases. */
function merged(parts: readonly Uint8Array[], cases: readonly string[]): ReadonlyMap<string, Evaluation> {
  const place = new Map(cases.map((name, at) => [name, at]));
  const regions = new Map<string, EvaluationRow[]>();
  for (const part of parts) {
    for (const [region, rows] of deserialize(part) as readonly [string, readonly EvaluationRow[]][])
      regions.set(region, [...(regions.get(region) ?? []), ...rows]);
  }
  return new Map(
    Array.from(regions, ([region, rows]) => {
      rows.sort((a, b) => place.get(a.name)! - place.get(b.name)!);
      const [first] = rows;
      const columns = ({ scores }: EvaluationRow): string => Object.keys(scores).join();
      const odd = rows.find((row) => columns(row) !== columns(first!));
      if (odd !== undefined)
        throw new CommandError(`${odd.name}: has other classes than ${first!.name}; --classes says how many`);
      return [region, summaryOf(rows)];
    }),
  );
}
