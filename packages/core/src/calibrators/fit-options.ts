import {
  checkBoolean,
  checkChoice,
  checkIgnore,
  checkInteger,
  checkPositive,
  checkSpacing,
} from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";

/** The options of a fit. */
export interface FitOptions extends SignalOption {
  /** The label of pixels that count in nothing. */
  readonly ignore?: number;
  /**
   * The pixels that count: all, all with weights by which every class counts the same, or `band:R`, those
   * less than R pixels from a pixel of another predicted label; default all.
   */
  readonly fitOn?: "all" | "balanced" | `band:${number}`;
  /** The largest depth of distance methods, 1 to 255; default 8. */
  readonly radius?: number;
  /** The tables of distance methods: background and foreground (default), or one per predicted class. */
  readonly sides?: "foreground" | "classes";
  /**
   * The physical size of a pixel per spatial axis, for the windows of distance methods; default that of the
   * first case, or pixels where it has none.
   */
  readonly spacing?: readonly number[];
  /** The weight of the penalty of distance and entropy methods; default by cross-validation over groups. */
  readonly lambda?: number;
  /** Whether distance methods get a floor; default false. */
  readonly floor?: boolean;
  /**
   * The most logits kept in memory; default 2^25. Of larger sets, cross-validation and methods with many
   * parameters see an even sample of every cell of every case.
   */
  readonly keptLogits?: number;
}

/** The options with defaults, as the fits use them. */
export interface FitPlan extends SignalOption {
  readonly ignore?: number;
  readonly balanced: boolean;
  readonly band?: number;
  readonly radius: number;
  readonly sides: "foreground" | "classes";
  readonly spacing?: readonly number[];
  readonly lambda?: number;
  readonly floor: boolean;
  readonly keptLogits: number;
}

export const fitOptionNames: Readonly<Record<keyof FitOptions, true>> = {
  signal: true,
  ignore: true,
  fitOn: true,
  radius: true,
  sides: true,
  spacing: true,
  lambda: true,
  floor: true,
  keptLogits: true,
};
const names = optionNames<FitOptions>(fitOptionNames);

/** Checks the options of a fit and fills in defaults. */
export function fitPlan(options: FitOptions, known: ReadonlySet<string> = names): FitPlan {
  checkOptions("options", options, known);
  const { signal, ignore, fitOn = "all", radius = 8, sides = "foreground", spacing, lambda } = options;
  const { floor = false, keptLogits = 2 ** 25 } = options;
  checkSignal(signal);
  checkIgnore(ignore);
  checkInteger("radius", radius, 1, 255);
  checkChoice("sides", sides, ["foreground", "classes"]);
  checkSpacing(spacing);
  if (lambda !== undefined) checkPositive("lambda", lambda);
  checkBoolean("floor", floor);
  checkInteger("keptLogits", keptLogits, 1, 2 ** 31);
  const band = bandOf(fitOn);
  return {
    ...(signal && { signal }),
    ...(ignore !== undefined && { ignore }),
    balanced: fitOn === "balanced",
    ...(band !== undefined && { band }),
    radius,
    sides,
    ...(spacing && { spacing }),
    ...(lambda !== undefined && { lambda }),
    floor,
    keptLogits,
  };
}

function bandOf(fitOn: string): number | undefined {
  if (fitOn === "all" || fitOn === "balanced") return undefined;
  const width = typeof fitOn === "string" ? /^band:(\d+)$/.exec(fitOn)?.[1] : undefined;
  if (width === undefined) throw invalidArgument("fitOn", "all, balanced or band:R", fitOn);
  checkInteger("fitOn", Number(width), 1, 255);
  return Number(width);
}
