import { depthWindows } from "./boundary-windows.js";
import { type CalibrationCases, inCase, readCase } from "./calibration-cases.js";
import type { CellLayout } from "./case-cells.js";
import type { FitPlan } from "./fit-options.js";
import { type PackOptions, packCase } from "./pack-case.js";
import { joinedPixels, type PixelBlock, type PixelSource } from "./pixel-source.js";

/** The pixels and facts of cases that were read once. */
export interface LoadedPixels {
  readonly layout: CellLayout;
  readonly groups: readonly string[];
  /** All pixels of small sets; of large ones a sample, weighted so that it stands for all. */
  readonly kept: PixelSource;
  /** All pixels. */
  readonly all: PixelSource;
  /** A sample of pixels with what lies around them, where that was wanted. */
  readonly patches?: PixelSource;
  readonly pixels: number;
  /** The number of cases each class is labelled in. */
  readonly casesOfClass: readonly number[];
  readonly spacings: readonly (readonly number[] | undefined)[];
  /** The result of `measure` for each case. */
  readonly measures: readonly Float64Array[];
}

/** Reads every case once, and keeps all pixels that count, or as many of each cell as fit. */
export async function loadPixels(
  cases: CalibrationCases,
  plan: FitPlan,
  wanted: PackOptions = {},
): Promise<LoadedPixels> {
  const { signal } = plan;
  let layout: CellLayout | undefined;
  const parts: PixelBlock[] = [];
  const patches: PixelBlock[] = [];
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
    const packed = await packCase(read, layout, plan, 1 / cases.count, wanted).catch((error: unknown) => {
      throw inCase(index, error);
    });
    complete &&= packed.complete;
    pixels += packed.pixels;
    parts.push(packed.block);
    if (packed.patches !== undefined) patches.push(packed.patches);
    labelled.push(packed.byLabel);
    if (packed.measured !== undefined) measures.push(packed.measured);
    groups.push(read.group);
    spacings.push(read.spacing);
  }
  const classWeights = plan.balanced ? balancedWeights(labelled) : undefined;
  const { classes } = layout!;
  const shared = {
    ...(classWeights && { classWeights }),
    imageOf: async (index: number) => (await readCase(cases, index, { classes, signal })).logits,
  };
  const kept = joinedPixels(parts, classes, shared);
  const all = complete ? kept : streamedPixels(cases, layout!, plan, { classWeights, ...wanted });
  const casesOfClass = Array.from(
    { length: layout!.classes },
    (_, c) => labelled.filter((counts) => counts[c]! > 0).length,
  );
  return {
    layout: layout!,
    groups,
    kept,
    all,
    ...(wanted.local && { patches: joinedPixels(patches, classes, shared) }),
    pixels,
    casesOfClass,
    spacings,
    measures,
  };
}

/** Returns weights by which every class that occurs counts the same in all. */
function balancedWeights(labelled: readonly Float64Array[]): Float64Array {
  const totals = labelled[0]!.map((_, c) => labelled.reduce((sum, counts) => sum + counts[c]!, 0));
  const total = totals.reduce((sum, n) => sum + n, 0);
  const present = totals.filter((n) => n > 0).length;
  return totals.map((n) => (n > 0 ? total / (present * n) : 1));
}

/** Reads all pixels case by case, again at every visit. */
function streamedPixels(
  cases: CalibrationCases,
  layout: CellLayout,
  plan: FitPlan,
  { classWeights, local }: { readonly classWeights: Float64Array | undefined; readonly local?: boolean },
): PixelSource {
  const { classes } = layout;
  const everything = { ...plan, keptLogits: Number.POSITIVE_INFINITY };
  return {
    classes,
    async visit(wanted, body) {
      for (const index of wanted ?? Array.from({ length: cases.count }, (_, i) => i)) {
        const read = await readCase(cases, index, { classes, signal: plan.signal });
        const { block } = await packCase(read, layout, everything, 1, { located: local });
        if (block.pixels === 0) continue;
        const range = { index, begin: 0, end: block.pixels };
        const imageOf = async (): Promise<typeof read.logits> => read.logits;
        await body({ ...block, imageOf, ...(classWeights && { classWeights }) }, [range]);
      }
    },
  };
}
