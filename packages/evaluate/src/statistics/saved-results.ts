import { crc32 } from "node:zlib";
import { InvalidArgumentError } from "@pixelcal/core";
import { FormatError } from "@pixelcal/io";
import { type EvaluationRow, summaryOf } from "../evaluate.js";
import { jsonText } from "../report/json.js";
import { type RunResult, runReports } from "../report/results.js";
import { isRow, readRow } from "./saved-row.js";

const format = "pixelcal-results";
const version = 1;

/** The outcome of an evaluation: every case's scores and sums, from which all statistics are made. */
export interface SavedResults {
  /** The versions of the programs that scored, by name. */
  readonly software: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly runs: readonly RunResult[];
}

/**
 * Formats results as JSON, a case per line: format, version, checksum, software, settings and runs. NaN is
 * null, infinities are "inf" and "-inf". The checksum is the CRC-32 of software, settings and runs as
 * JSON.stringify writes them, so that reformatting the file does not change it.
 */
export function formatResults({ software, settings, runs }: SavedResults): string {
  const reports = runReports(runs.map(({ statistics: _, ...run }) => run)).map(
    ({ cases: _, ...report }, i) => ({
      start: jsonText(report).slice(0, -1),
      rows: runs[i]!.evaluation.rows.map((row) => formatted.get(row) ?? rowText(row)),
    }),
  );
  const all = reports.map(({ start, rows }) => `${start},"cases":[${rows.join(",")}]}`);
  const checksum = checksumOf(`${jsonText({ software, settings }).slice(0, -1)},"runs":[${all.join(",")}]}`);
  const body = reports.map(
    ({ start, rows }) => `\n    ${start}, "cases": [${rows.map((row) => `\n      ${row}`).join(",")}\n    ]}`,
  );
  const fields = [
    `"format": ${jsonText(format)}`,
    `"version": ${version}`,
    `"checksum": ${jsonText(checksum)}`,
    `"software": ${jsonText(software)}`,
    `"settings": ${jsonText(settings)}`,
    `"runs": [${body.join(",")}\n  ]`,
  ];
  return `{\n  ${fields.join(",\n  ")}\n}\n`;
}

const formatted = new WeakMap<EvaluationRow, string>();

/**
 * Formats a row, which must not change any more, for a later {@link formatResults}, most of whose work it is:
 * done while other cases are scored, it makes the end shorter.
 */
export function formatRow(row: EvaluationRow): void {
  formatted.set(row, rowText(row));
}

const rowText = (row: EvaluationRow): string => jsonText(plain(row));

/** Returns a row with its fields in a fixed order, so that equal rows have equal text. */
function plain({
  name,
  group,
  labels,
  spacing,
  scores,
  pixels,
  sums,
  decisions,
}: EvaluationRow): EvaluationRow {
  return {
    name,
    ...(group === undefined ? {} : { group }),
    labels,
    ...(spacing === undefined ? {} : { spacing }),
    scores,
    pixels,
    ...(sums === undefined ? {} : { sums }),
    ...(decisions === undefined ? {} : { decisions }),
  };
}

const checksumOf = (text: string): string => crc32(text).toString(16).padStart(8, "0");

/**
 * Reads the text of {@link formatResults}. Throws `FormatError`, which names `source`, for other text, other
 * versions and damaged results.
 */
export function readResults(text: string, source: string): SavedResults {
  const refuse = (key: string | undefined, what: string): never => {
    throw new FormatError(source, key, what);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(source, undefined, "expected saved results, got text that is not JSON", {
      cause: error,
    });
  }
  if (!isObject(value) || value.format !== format)
    return refuse("format", `expected results that pixelcal evaluate saved ("${format}")`);
  if (value.version !== version) return refuse("version", `expected ${version}, got ${value.version}`);
  const { software, settings, runs } = value;
  if (value.checksum !== checksumOf(JSON.stringify({ software, settings, runs })))
    return refuse("checksum", "the results were damaged or edited; score the predictions again");
  if (!isObject(software) || !isObject(settings)) return refuse("settings", "expected an object");
  if (!Array.isArray(runs) || !runs.every(isRun)) return refuse("runs", "expected runs with cases");
  return {
    software: software as Readonly<Record<string, string>>,
    settings,
    runs: runs.map(
      ({ run, region, missing, relabelled, cases }): RunResult => ({
        run,
        ...(region === undefined ? {} : { region }),
        missing,
        relabelled,
        evaluation: summaryOf(cases.map(readRow)),
      }),
    ),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

interface SavedRun {
  readonly run: string;
  readonly region?: string;
  readonly missing: readonly string[];
  readonly relabelled: readonly string[];
  readonly cases: readonly EvaluationRow[];
}

const isRun = (value: unknown): value is SavedRun =>
  isObject(value) &&
  typeof value.run === "string" &&
  (value.region === undefined || typeof value.region === "string") &&
  areTexts(value.missing) &&
  areTexts(value.relabelled) &&
  Array.isArray(value.cases) &&
  value.cases.every(isRow);

/**
 * Joins results of the same settings whose cases were scored apart; runs of the same name become one. The
 * cases are sorted by name, so that any division gives the same bits. Throws for a case that is there twice.
 */
export function mergeResults(parts: readonly SavedResults[]): SavedResults {
  const [first, ...rest] = parts;
  if (!first) throw new InvalidArgumentError("parts", "parts: needs at least one");
  for (const part of rest)
    if (jsonText(part.settings) !== jsonText(first.settings))
      throw new InvalidArgumentError(
        "parts",
        "parts: their settings differ; score all with the same options",
      );
  const names = [...new Set(parts.flatMap(({ runs }) => runs.map(({ run }) => run)))];
  return {
    software: first.software,
    settings: first.settings,
    runs: names.map((name) => mergeRuns(parts.flatMap(({ runs }) => runs.filter(({ run }) => run === name)))),
  };
}

function mergeRuns(parts: readonly RunResult[]): RunResult {
  const rows = parts.flatMap(({ evaluation }) => evaluation.rows).sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = rows.find(({ name }, i) => rows[i + 1]?.name === name);
  if (twice)
    throw new InvalidArgumentError("parts", `parts: ${twice.name} of ${parts[0]!.run} is there twice`);
  const found = new Set(rows.map(({ name }) => name));
  const all = (of: (part: RunResult) => readonly string[]): string[] =>
    [...new Set(parts.flatMap(of))].sort();
  const { run, region } = parts[0]!;
  return {
    run,
    ...(region === undefined ? {} : { region }),
    missing: all(({ missing }) => missing).filter((name) => !found.has(name)),
    relabelled: all(({ relabelled }) => relabelled),
    evaluation: summaryOf(rows),
  };
}
