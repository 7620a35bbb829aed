import type { CalibratorForm } from "@pixelcal/native";
import type { CellLayout } from "./case-cells.js";
import type { CalibratorName, CalibratorParameters } from "./parameters.js";

/** A calibrator as the kernels apply it. */
export interface ForwardForm {
  readonly form: CalibratorForm;
  /** The cells of pixels; absent where all pixels are alike. */
  readonly layout?: CellLayout;
}

interface Named<N extends CalibratorName = CalibratorName> {
  readonly name: N;
  readonly classes: number;
  readonly parameters: CalibratorParameters[N];
}

const flat = (rows: readonly (readonly number[])[]): Float64Array => Float64Array.from(rows.flat());

function distance(
  { windows, sides, scales, floor }: CalibratorParameters["distance-temperature"],
  classes: number,
): ForwardForm {
  const form = { scales: flat(scales), ...(floor && { floors: flat(floor) }), keepsLabels: true };
  return { form, layout: { windows, sides, classes } };
}

const forms: {
  readonly [N in CalibratorName]?: (parameters: CalibratorParameters[N], classes: number) => ForwardForm;
} = {
  none: () => ({ form: { keepsLabels: true } }),
  temperature: ({ scale }) => ({ form: { scales: Float64Array.of(scale), keepsLabels: true } }),
  "distance-temperature": distance,
  "distance-affine": (parameters, classes) => {
    const { form, layout } = distance(parameters, classes);
    const shifts = Float64Array.from(parameters.shifts.flat(2));
    return { form: { ...form, shifts, margin: parameters.margin }, ...(layout && { layout }) };
  },
};

/** Returns what the kernels do for a calibrator. */
export function forwardForm<N extends CalibratorName>({ name, parameters, classes }: Named<N>): ForwardForm {
  const make = forms[name] as (parameters: CalibratorParameters[N], classes: number) => ForwardForm;
  return make(parameters, classes);
}

const labelKeepers: ReadonlySet<CalibratorName> = new Set<CalibratorName>([
  "none",
  "temperature",
  "distance-temperature",
  "distance-affine",
  "entropy-temperature",
  "image-temperature",
  "ensemble-temperature",
  "local-temperature",
  "selective",
]);

/** Tells whether a method never changes a label. */
export function keepsLabels(name: CalibratorName): boolean {
  return labelKeepers.has(name);
}
