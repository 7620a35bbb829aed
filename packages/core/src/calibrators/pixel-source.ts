import type { Tensor } from "../tensor.js";

/** Pixels of one or several cases, as the kernels take them. */
export interface PixelBlock {
  readonly logits: Float32Array;
  readonly labels: Uint16Array;
  readonly cells: Uint16Array;
  readonly weights: Float32Array;
  readonly classes: number;
  readonly pixels: number;
  readonly classWeights?: Float64Array;
  /** The number of each pixel in its image. */
  readonly at?: Int32Array;
  /** The logits around each pixel, as filters see them: `[inputs, pixels]`. */
  readonly neighbourhoods?: Float32Array;
  /** Reads the image of a case again. */
  readonly imageOf?: (index: number) => Promise<Tensor<"float32">>;
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

/** Joins the blocks of cases to one. */
export function joinedPixels(
  parts: readonly PixelBlock[],
  classes: number,
  shared: Pick<PixelBlock, "classWeights" | "imageOf">,
): PixelSource {
  const pixels = parts.reduce((sum, part) => sum + part.pixels, 0);
  const logits = new Float32Array(classes * pixels);
  const labels = new Uint16Array(pixels);
  const cells = new Uint16Array(pixels);
  const weights = new Float32Array(pixels);
  const at = parts[0]?.at && new Int32Array(pixels);
  const inputs = Math.max(
    0,
    ...parts.map((part) => (part.neighbourhoods?.length ?? 0) / Math.max(1, part.pixels)),
  );
  const neighbourhoods = parts[0]?.neighbourhoods && new Float32Array(inputs * pixels);
  const ranges: CaseRange[] = [];
  let begin = 0;
  for (const [index, part] of parts.entries()) {
    labels.set(part.labels, begin);
    cells.set(part.cells, begin);
    weights.set(part.weights, begin);
    if (part.at !== undefined) at!.set(part.at, begin);
    const joinRows = (to: Float32Array, from: Float32Array, count: number): void => {
      for (let k = 0; k < count; k++)
        to.set(from.subarray(k * part.pixels, (k + 1) * part.pixels), k * pixels + begin);
    };
    joinRows(logits, part.logits, classes);
    if (part.neighbourhoods !== undefined) joinRows(neighbourhoods!, part.neighbourhoods, inputs);
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
    ...(at && { at }),
    ...(neighbourhoods && { neighbourhoods }),
    ...shared,
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
