import { call, native } from "../binding.js";
import { depthWindows } from "./boundary-windows.js";
import type { CheckedCase } from "./calibration-cases.js";
import { type CaseCells, type CellLayout, caseCells, cellCounts } from "./case-cells.js";
import type { FitPlan } from "./fit-options.js";
import { filterTaps } from "./local-filters.js";
import type { PixelBlock } from "./pixel-source.js";

/** Measures a case while its logits are at hand. */
export type CaseMeasure = (read: CheckedCase, cells: CaseCells) => Promise<Float64Array>;

/** The things that a fit needs beside the logits of pixels. */
export interface PackOptions {
  readonly measure?: CaseMeasure | undefined;
  /** Whether pixels are to know their place in the image; default as `local`. */
  readonly located?: boolean | undefined;
  /** Whether the fit of filters needs what lies around pixels. */
  readonly local?: boolean;
}

/** The most logits of neighbourhoods that are kept in memory. */
const mostNeighbours = 2 ** 24;

/** A case as it is kept. */
export interface PackedCase {
  readonly block: PixelBlock;
  /** Pixels with what lies around them, for the fit of filters. */
  readonly patches?: PixelBlock;
  /** Whether all its pixels are in the block. */
  readonly complete: boolean;
  readonly pixels: number;
  readonly byLabel: Float64Array;
  readonly measured?: Float64Array;
}

/** Keeps `share` (1 / cases) of the most logits: all pixels of a case, or as many of each cell as fit. */
export async function packCase(
  read: CheckedCase,
  layout: CellLayout,
  plan: FitPlan,
  share: number,
  { measure, local = false, located = local }: PackOptions = {},
): Promise<PackedCase> {
  const { signal, ignore, band } = plan;
  const { classes } = layout;
  const size = read.logits.dims.slice(2);
  const deeper =
    band === undefined
      ? undefined
      : depthWindows(size.length, Math.max(band, plan.radius), plan.spacing ?? read.spacing);
  const found = await caseCells(read.logits, layout, { deeper, signal });
  const { sides, depths } = cellCounts(layout);
  const request = {
    logits: read.logits.data,
    labels: read.labels.data as Uint8Array | Int32Array | BigInt64Array,
    cells: found.cells,
    ...(band !== undefined && { depth: found.depth, band }),
    classes,
    pixels: found.cells.length,
    ignore,
  };
  const { byCell, byLabel } = await call(native.countPixels, { ...request, count: sides * depths }, signal);
  const pixels = byCell.reduce((sum, n) => sum + n, 0);
  const pack = async (most: number): Promise<PixelBlock> => {
    const each = shareOfCells(byCell, Math.max(1, Math.floor(most * share)));
    const rates = byCell.map((n) => Math.min(1, each / Math.max(n, 1)));
    const kept = byCell.reduce((sum, n, k) => sum + Math.floor(n * rates[k]!), 0);
    const packed = await call(native.packPixels, { ...request, rates, kept, located }, signal);
    return { ...packed, classes, pixels: kept };
  };
  const block = await pack(plan.keptLogits / classes);
  const measured = measure === undefined ? undefined : await measure(read, found);
  const common = { block, complete: block.pixels === pixels, pixels, byLabel };
  if (!local) return { ...common, ...(measured && { measured }) };
  const taps = filterTaps(size.length);
  const chosen = await pack(Math.min(plan.keptLogits, mostNeighbours) / classes / taps.taps ** size.length);
  const image = { logits: read.logits.data, size, classes, ...taps, at: chosen.at! };
  const neighbourhoods = await call(native.neighbourhoods, image, signal);
  return { ...common, patches: { ...chosen, neighbourhoods }, ...(measured && { measured }) };
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
