import { ignoredInRegion } from "@pixelcal/core";
import {
  type CasePictures,
  casePictures,
  type EvaluationCase,
  type PictureCase,
  type ProbabilityTransform,
  type ReportParts,
  type RunResult,
  regionsOfCase,
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

/** Throws unless a report can show the runs: one, or two of the same region that are compared. */
export function checkRunsOfReport(results: readonly RunResult[], cure: string): void {
  const names = results.map(({ run }) => run).join(", ");
  if (results.length < 1 || results.length > 2)
    throw new CommandError(`a report shows one or two runs, got ${results.length} (${names}); ${cure}`);
  if (results[0]!.region !== results.at(-1)!.region)
    throw new CommandError(`a report shows one region, got ${names}; ${cure}`);
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
    classes:
      results[0]!.region === undefined ? (known[0]?.classNames ?? []) : ["outside", results[0]!.region],
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
    ignore: (ignore as number | undefined) ?? sources[0]!.ignore,
    transform: transform as ProbabilityTransform | undefined,
    signal,
  };
  const { region } = result;
  const ofRegion = { ignore: reading.ignore === undefined ? undefined : ignoredInRegion, signal };
  const drawn = region === undefined ? reading : ofRegion;
  const pictures: CasePictures[] = [];
  for (const name of names) {
    if (signal.aborted) throw new Interrupted("stopped; the report was not written");
    const runs: PictureCase["runs"][number][] = [];
    for (const source of sources) {
      const item = await source.read(name, reading.ignore);
      runs.push(region === undefined ? item : await regionOf(item, region, source, reading));
    }
    pictures.push(await casePictures({ runs, image: await imageOf?.(name) }, drawn));
    terminal.progress({ label: "pictures", done: pictures.length, total: names.length });
  }
  terminal.clear();
  return pictures;
}

/** Returns a case as that of a region. */
async function regionOf(
  item: EvaluationCase,
  region: string,
  { run, regions = [], heads = false }: RunSource,
  reading: Parameters<typeof regionsOfCase>[2],
): Promise<EvaluationCase> {
  const at = regions.findIndex(({ name }) => name === region);
  if (at < 0)
    throw new CommandError(`--predictions: ${run} has no region ${region}; --regions says what it is`, {
      exitCode: 2,
    });
  return (await regionsOfCase(item, regions, { ...reading, heads }))[at]!;
}
