import type { CalibratorForm } from "@pixelcal/native";
import type { CellLayout } from "./case-cells.js";
import { flatFilters } from "./local-filters.js";
import {
  type CalibratorName,
  type CalibratorParameters,
  type LevelTable,
  labelKeepers,
} from "./parameters.js";
import type { Placement } from "./placement.js";

/** A calibrator as the kernels apply it. */
export interface ForwardForm {
  readonly form: CalibratorForm;
  readonly placement: Placement;
  /** The cells by distance, for `byDistance` and `imageScale`. */
  readonly layout?: CellLayout;
  /** The scale of an image with these features, instead of the form's. */
  readonly imageScale?: (features: Float64Array) => number;
}

type Make<N extends CalibratorName> = (parameters: CalibratorParameters[N], classes: number) => ForwardForm;

const flat = (rows: readonly (readonly number[])[]): Float64Array => Float64Array.from(rows.flat());

function distance(
  { windows, sides, scales, floor }: CalibratorParameters["distance-temperature"],
  classes: number,
): ForwardForm {
  const form = { scales: flat(scales), ...(floor && { floors: flat(floor) }) };
  return { form, placement: { byDistance: true }, layout: { windows, sides, classes } };
}

const levels = ({ values }: LevelTable): ForwardForm => ({ form: { levels: flat(values) }, placement: {} });

/** Returns the coefficients of beta calibration, class by class. */
function betaForm(a: readonly number[], b: readonly number[], c: readonly number[]): ForwardForm {
  return { form: { beta: Float64Array.from(a.flatMap((value, i) => [value, b[i]!, c[i]!])) }, placement: {} };
}

/** The windows of the smallest neighbourhood, for the share of pixels at a predicted boundary. */
const nearest = [[1], [1, 1], [1, 1, 1]] as const;

/** Returns the cells by which the features of images are counted. */
export function featureLayout(rank: number, classes: number): CellLayout {
  return { windows: [nearest[rank - 1]!], sides: "foreground", classes };
}

const forms: { readonly [N in CalibratorName]: Make<N> } = {
  none: () => ({ form: {}, placement: {} }),
  temperature: ({ scale }) => ({ form: { scales: Float64Array.of(scale) }, placement: {} }),
  "distance-temperature": distance,
  "distance-affine": (parameters, classes) => {
    const { form, ...rest } = distance(parameters, classes);
    const shifts = Float64Array.from(parameters.shifts.flat(2));
    return { ...rest, form: { ...form, shifts, margin: parameters.margin } };
  },
  "entropy-temperature": ({ knots, scales }) => ({
    form: { scales: Float64Array.from(scales) },
    placement: { knots: Float64Array.from(knots) },
  }),
  "image-temperature": ({ weights, least, most }) => ({
    form: {},
    placement: { byCase: true },
    imageScale: (features) => {
      const scale = weights.reduce((sum, weight, j) => sum + weight * features[j]!, 0);
      return Math.min(most, Math.max(least, scale));
    },
  }),
  vector: ({ scales, shifts }) => ({
    form: { classScales: Float64Array.from(scales), shifts: Float64Array.from(shifts) },
    placement: {},
  }),
  matrix: ({ weights, shifts }) => ({
    form: { mixing: flat(weights), shifts: Float64Array.from(shifts) },
    placement: {},
  }),
  dirichlet: ({ weights, shifts, leastLog }) => ({
    form: { mixing: flat(weights), shifts: Float64Array.from(shifts), leastLog },
    placement: {},
  }),
  "ensemble-temperature": ({ scale, weights }) => ({
    form: { scales: Float64Array.of(scale), mixture: Float64Array.from(weights) },
    placement: {},
  }),
  platt: ({ scales, shifts }) => betaForm(scales, scales, shifts),
  beta: ({ a, b, c }) => betaForm(a, b, c),
  isotonic: levels,
  histogram: levels,
  bbq: levels,
  "local-temperature": (parameters) => ({ form: {}, placement: { local: flatFilters(parameters) } }),
  selective: ({ weights, scales }) => ({
    form: { scales: Float64Array.from(scales) },
    placement: { classifier: Float64Array.from(weights) },
  }),
};

/** Returns what the kernels do for a calibrator. */
export function forwardForm<N extends CalibratorName>(
  name: N,
  parameters: CalibratorParameters[N],
  classes: number,
): ForwardForm {
  const { form, ...rest } = forms[name](parameters, classes);
  return { ...rest, form: { ...form, keepsLabels: labelKeepers.has(name) } };
}
