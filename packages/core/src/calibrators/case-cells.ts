import { call, native } from "../binding.js";
import { argMax } from "../metrics/overlap.js";
import type { Labels, Tensor } from "../tensor.js";
import { windowGrowth } from "./boundary-windows.js";

/** The cells that pixels fall into: side * (windows.length + 1) + depth. */
export interface CellLayout {
  readonly windows: readonly (readonly number[])[];
  readonly sides: "foreground" | "classes";
  readonly classes: number;
}

/** Returns the number of sides and of depths of a layout. */
export function cellCounts({ windows, sides, classes }: CellLayout): { sides: number; depths: number } {
  return { sides: sides === "foreground" ? 2 : classes, depths: windows.length + 1 };
}

/** The predicted labels of logits `[N, C, ...spatial]`, and the depth and cell of every pixel. */
export interface CaseCells {
  readonly predicted: Labels;
  readonly depth: Uint8Array;
  readonly cells: Uint16Array;
}

/** Computes the cells of logits; the depth goes further than the layout's windows where `deeper` does. */
export async function caseCells(
  logits: Tensor<"float32">,
  layout: CellLayout,
  { deeper, signal }: { deeper?: readonly (readonly number[])[]; signal?: AbortSignal } = {},
): Promise<CaseCells> {
  const predicted = await argMax(logits, { signal });
  const [batch, , ...size] = logits.dims as [number, number, ...number[]];
  const { sides } = cellCounts(layout);
  const radius = layout.windows.length;
  const windows = deeper !== undefined && deeper.length > radius ? deeper : layout.windows;
  const labels = predicted.data as Uint8Array | Int32Array;
  const growth = windowGrowth(windows, size.length);
  const depth = await call(native.boundaryDepth, { labels, batch, size, growth }, signal);
  const foreground = layout.sides === "foreground";
  const cells = await call(
    native.depthCells,
    { predicted: labels, depth, radius, sides, foreground },
    signal,
  );
  return { predicted, depth, cells };
}
