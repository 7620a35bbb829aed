import { call, native } from "../binding.js";
import { depthWindows } from "./boundary-windows.js";
import { type CalibrationCases, type CheckedCase, inCase, readCase } from "./calibration-cases.js";
import { type CaseCells, type CellLayout, caseCells, cellCounts } from "./case-cells.js";
import type { FitPlan } from "./fit-options.js";

/** Pixels of one or several cases, as the kernels take them. */
export interface PixelBlock {
  readonly logits: Float32Array;
  readonly labels: Uint16Array;
  readonly cells: Uint16Array;
  readonly weights: Float32Array;
  readonly classes: number;
  readonly pixels: number;
  readonly classWeights?: Float64Array;
}

/** The pixels of a fit, in one or several blocks. */
export interface PixelSource {
  readonly classes: number;
  /** Calls `body` with each block that has pixels of `cases` (all by default), and their ranges. */
  visit(
    cases: readonly number[] | undefined,
    body: (block: PixelBlock, ranges: readonly CaseRange[]) => Promise<void>,
  ): Promise<void>;
}

/** The pixels of one case in a block. */
export interface CaseRange {
  readonly index: number;
  readonly begin: number;
  readonly end: number;
}

/** The pixels and facts of cases that were read once. */
export interface LoadedPixels {
  readonly layout: CellLayout;
  readonly groups: readonly string[];
  /** All pixels of small sets; of large ones a sample, weighted so that it stands for all. */
  readonly kept: PixelSource;
  /** All pixels. */
  readonly all: PixelSource;
  readonly pixels: number;
  /** The number of cases each class is labelled in. */
  readonly casesOfClass: readonly number[];
  readonly spacings: readonly (readonly number[] | undefined)[];
  /** The result of `measure` for each case. */
  readonly measures: readonly Float64Array[];
}

/** Measures a case while its logits are at hand. */
export type CaseMeasure = (read: CheckedCase, cells: CaseCells) => Promise<Float64Array>;

/** Reads every case once, and keeps all pixels that count, or as many of each cell as fit. */
export async function loadPixels(
  cases: CalibrationCases,
  plan: FitPlan,
  measure?: CaseMeasure,
): Promise<LoadedPixels> {
  const { signal } = plan;
  let layout: CellLayout | undefined;
  const parts: PixelBlock[] = [];
  const labelled: Float64Array[] = [];
  const groups: string[] = [];
  const spacings: (readonly number[] | undefined)[] = [];
  const measures: Float64Array[] = [];
  let complete = true;
  let pixels = 0;
  for (let index = 0; index < cases.count; index++) {
    const read = await readCase(cases, index, { classes: layout?.classes, signal });
    layout ??= {
      classes: read.logits.dims[1]!,
      sides: plan.sides,
      windows: depthWindows(read.logits.dims.length - 2, plan.radius, plan.spacing ?? read.spacing),
    };
    const quota = Math.max(1, Math.floor(plan.keptLogits / layout.classes / cases.count));
    const packed = await packCase(read, layout, plan, quota, measure).catch((error: unknown) => {
      throw inCase(index, error);
    });
    complete &&= packed.complete;
    pixels += packed.pixels;
    parts.push(packed.block);
    labelled.push(packed.byLabel);
    if (packed.measured !== undefined) measures.push(packed.measured);
    groups.push(read.group);
    spacings.push(read.spacing);
  }
  const classWeights = plan.balanced ? balancedWeights(labelled) : undefined;
  const kept = keptPixels(parts, layout!.classes, classWeights);
  const all = complete ? kept : streamedPixels(cases, layout!, plan, classWeights);
  const casesOfClass = Array.from(
    { length: layout!.classes },
    (_, c) => labelled.filter((counts) => counts[c]! > 0).length,
  );
  return { layout: layout!, groups, kept, all, pixels, casesOfClass, spacings, measures };
}

async function packCase(
  read: CheckedCase,
  layout: CellLayout,
  plan: FitPlan,
  quota: number,
  measure?: CaseMeasure,
): Promise<{
  block: PixelBlock;
  complete: boolean;
  pixels: number;
  byLabel: Float64Array;
  measured?: Float64Array;
}> {
  const { signal, ignore, band } = plan;
  const rank = read.logits.dims.length - 2;
  const deeper =
    band === undefined
      ? undefined
      : depthWindows(rank, Math.max(band, plan.radius), plan.spacing ?? read.spacing);
  const found = await caseCells(read.logits, layout, { deeper, signal });
  const { sides, depths } = cellCounts(layout);
  const request = {
    logits: read.logits.data,
    labels: read.labels.data as Uint8Array | Int32Array | BigInt64Array,
    cells: found.cells,
    ...(band !== undefined && { depth: found.depth, band }),
    classes: layout.classes,
    pixels: found.cells.length,
    ignore,
  };
  const { byCell, byLabel } = await call(native.countPixels, { ...request, count: sides * depths }, signal);
  const pixels = byCell.reduce((sum, n) => sum + n, 0);
  const most = shareOfCells(byCell, quota);
  const rates = byCell.map((n) => Math.min(1, most / Math.max(n, 1)));
  const kept = byCell.reduce((sum, n, k) => sum + Math.floor(n * rates[k]!), 0);
  const packed = await call(native.packPixels, { ...request, rates, kept }, signal);
  const measured = measure === undefined ? undefined : await measure(read, found);
  const block = { ...packed, classes: layout.classes, pixels: kept };
  return { block, complete: kept === pixels, pixels, byLabel, ...(measured && { measured }) };
}

/** Returns the most pixels of a cell for which all cells together have at most `quota`. */
function shareOfCells(byCell: Float64Array, quota: number): number {
  let left = quota;
  const ascending = [...byCell].filter((n) => n > 0).sort((a, b) => a - b);
  for (const [i, n] of ascending.entries()) {
    const share = Math.max(1, Math.floor(left / (ascending.length - i)));
    if (n > share) return share;
    left -= n;
  }
  return ascending.at(-1) ?? 1;
}

/** Returns weights by which every class that occurs counts the same in all. */
function balancedWeights(labelled: readonly Float64Array[]): Float64Array {
  const totals = labelled[0]!.map((_, c) => labelled.reduce((sum, counts) => sum + counts[c]!, 0));
  const total = totals.reduce((sum, n) => sum + n, 0);
  const present = totals.filter((n) => n > 0).length;
  return totals.map((n) => (n > 0 ? total / (present * n) : 1));
}

/** Joins the blocks of cases to one. */
function keptPixels(
  parts: readonly PixelBlock[],
  classes: number,
  classWeights: Float64Array | undefined,
): PixelSource {
  const pixels = parts.reduce((sum, part) => sum + part.pixels, 0);
  const logits = new Float32Array(classes * pixels);
  const labels = new Uint16Array(pixels);
  const cells = new Uint16Array(pixels);
  const weights = new Float32Array(pixels);
  const ranges: CaseRange[] = [];
  let begin = 0;
  for (const [index, part] of parts.entries()) {
    labels.set(part.labels, begin);
    cells.set(part.cells, begin);
    weights.set(part.weights, begin);
    for (let c = 0; c < classes; c++) {
      const row = part.logits.subarray(c * part.pixels, (c + 1) * part.pixels);
      logits.set(row, c * pixels + begin);
    }
    ranges.push({ index, begin, end: begin + part.pixels });
    begin += part.pixels;
  }
  const block: PixelBlock = {
    logits,
    labels,
    cells,
    weights,
    classes,
    pixels,
    ...(classWeights && { classWeights }),
  };
  return {
    classes,
    async visit(cases, body) {
      if (pixels === 0) return;
      const wanted = cases === undefined ? ranges : cases.map((index) => ranges[index]!);
      await body(block, wanted);
    },
  };
}

/** Reads all pixels case by case, again at every visit. */
function streamedPixels(
  cases: CalibrationCases,
  layout: CellLayout,
  plan: FitPlan,
  classWeights: Float64Array | undefined,
): PixelSource {
  const { classes } = layout;
  return {
    classes,
    async visit(wanted, body) {
      for (const index of wanted ?? Array.from({ length: cases.count }, (_, i) => i)) {
        const read = await readCase(cases, index, { classes, signal: plan.signal });
        const { block } = await packCase(read, layout, plan, Number.POSITIVE_INFINITY);
        if (block.pixels === 0) continue;
        const range = { index, begin: 0, end: block.pixels };
        await body({ ...block, ...(classWeights && { classWeights }) }, [range]);
      }
    },
  };
}

/** Adds up what `kernel` returns for every block. */
export async function sumBlocks(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  length: number,
  kernel: (block: PixelBlock, ranges: readonly CaseRange[]) => Promise<Float64Array>,
): Promise<Float64Array> {
  const total = new Float64Array(length);
  await pixels.visit(cases, async (block, ranges) => {
    const sums = await kernel(block, ranges);
    for (let i = 0; i < length; i++) total[i]! += sums[i]!;
  });
  return total;
}

/** Returns ranges as the kernels take them. */
export function flatRanges(ranges: readonly CaseRange[]): number[] {
  return ranges.flatMap(({ begin, end }) => [begin, end]);
}
