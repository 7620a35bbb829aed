import {
  type CasePictures,
  casePictures,
  type PictureCase,
  type ProbabilityTransform,
  type ReportParts,
  type RunResult,
  reportOfResults,
  reportPage,
  worstCalibrated,
} from "@pixelcal/evaluate";
import { writeFileAtomic } from "@pixelcal/io";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { caseImages } from "./case-image.js";
import { calibratorTable, trainingCurves } from "./report-parts.js";
import type { RunSource } from "./run-sources.js";

/** The files that a report draws beside the results. */
export interface ReportInputs {
  readonly images?: string;
  readonly calibrators?: string;
  readonly training?: string;
}

/** The settings of a scoring that pictures need. */
interface PictureSettings {
  readonly ignore?: unknown;
  readonly transform?: unknown;
}

/** The report that was written. */
export interface WrittenReport {
  readonly file: string;
  readonly bytes: number;
  readonly pictures: number;
}

/** The number of cases in pictures. */
const mostPictures = 12;

/** Throws unless a report can show the runs: one, or two that are compared. */
export function checkRunsOfReport(names: readonly string[], cure: string): void {
  if (names.length < 1 || names.length > 2)
    throw new CommandError(
      `a report shows one or two runs, got ${names.length} (${names.join(", ")}); ${cure}`,
    );
}

/** Draws one run, or two that are compared, and writes the page; pictures need the runs' predictions. */
export async function writeReportPage(
  path: string,
  results: readonly RunResult[],
  {
    sources,
    settings,
    inputs,
  }: {
    readonly sources: readonly (RunSource | undefined)[];
    readonly settings: Readonly<Record<string, unknown>> & PictureSettings;
    readonly inputs: ReportInputs;
  },
  context: Pick<Context, "terminal" | "signal">,
): Promise<WrittenReport> {
  const known = sources.filter((source) => source !== undefined);
  const parts: ReportParts = {
    subject: results.map(({ run }) => run).join(" and "),
    classes: known[0]?.classNames ?? [],
    settings,
    ...(inputs.calibrators !== undefined && { calibrators: await calibratorTable(inputs.calibrators) }),
    ...(inputs.training !== undefined && { training: await trainingCurves(inputs.training) }),
    ...(known.length === results.length && {
      pictures: await worstPictures(results.at(-1)!, known, { ...settings, images: inputs.images }, context),
    }),
  };
  const { signal } = context;
  const page = reportPage(await reportOfResults(results, parts, { signal }));
  await writeFileAtomic(path, page);
  return { file: path, bytes: Buffer.byteLength(page), pictures: parts.pictures?.length ?? 0 };
}

/** Draws the worst calibrated cases of a run from the predictions of all. */
async function worstPictures(
  result: RunResult,
  sources: readonly RunSource[],
  { ignore, transform, images }: PictureSettings & { readonly images?: string },
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<readonly CasePictures[]> {
  const imageOf = images === undefined ? undefined : await caseImages(images);
  const names = worstCalibrated(result, mostPictures).filter((name) =>
    sources.every(({ cases }) => cases.includes(name)),
  );
  const reading = {
    ignore: ignore as number | undefined,
    transform: transform as ProbabilityTransform | undefined,
    signal,
  };
  const pictures: CasePictures[] = [];
  for (const name of names) {
    if (signal.aborted) throw new Interrupted("stopped; the report was not written");
    const runs: PictureCase["runs"][number][] = [];
    for (const source of sources) runs.push(await source.read(name, reading.ignore));
    pictures.push(await casePictures({ runs, image: await imageOf?.(name) }, reading));
    terminal.progress({ label: "pictures", done: pictures.length, total: names.length });
  }
  terminal.clear();
  return pictures;
}
