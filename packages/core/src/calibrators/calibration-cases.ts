import { checkLabels, checkProbabilities, checkSpacing } from "../check.js";
import type { SignalOption } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { asImage } from "../kernels/as-image.js";
import { checkDims } from "../kernels/probability-maps.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";

/** One image with its labels and what a model made of it. */
export interface CalibrationCase {
  /** `[1, C, ...spatial]` */
  readonly logits: Probabilities;
  /** `[1, ...spatial]` */
  readonly labels: Labels;
  /** The physical size of a pixel per spatial axis. */
  readonly spacing?: readonly number[];
  /** The patient or whatever else several cases share: cross-validation never splits a group. */
  readonly group?: string;
}

/**
 * The cases of a fit. `read` is called once for each case in turn, and again in further passes where a set is
 * too large to be kept or filters look at images; a case may use the memory of the case before it.
 */
export interface CalibrationCases {
  readonly count: number;
  read(index: number, options: SignalOption): CalibrationCase | Promise<CalibrationCase>;
}

/** The most classes of a calibrator. */
export const mostClasses = 1024;

/** A case after all checks. */
export interface CheckedCase {
  readonly logits: Tensor<"float32">;
  readonly labels: Labels;
  readonly spacing: readonly number[] | undefined;
  readonly group: string;
}

/** Throws unless `cases` can be read. */
export function checkCases(cases: CalibrationCases): void {
  if (typeof cases !== "object" || cases === null || typeof cases.read !== "function")
    throw invalidArgument("cases", "an object with count and read", cases);
  if (!Number.isSafeInteger(cases.count) || cases.count < 1)
    throw invalidArgument("cases.count", "at least one case", cases.count);
}

/** Reads a case and checks it; `classes` are those of the cases before it. */
export async function readCase(
  cases: CalibrationCases,
  index: number,
  { classes, signal }: SignalOption & { readonly classes?: number },
): Promise<CheckedCase> {
  signal?.throwIfAborted();
  const read = await cases.read(index, { signal });
  try {
    if (typeof read !== "object" || read === null) throw invalidArgument("case", "an object", read);
    const { logits, labels, spacing, group } = read;
    checkProbabilities(logits, "logits");
    checkLabels(labels);
    const [images, own, ...spatial] = logits.dims as [number, number, ...number[]];
    if (images !== 1) throw invalidArgument("logits", "one image", images);
    if (own < 2 || own > mostClasses) throw invalidArgument("logits", `2 to ${mostClasses} classes`, own);
    if (classes !== undefined && own !== classes)
      throw invalidArgument("logits", `${classes} classes as in the first case`, own);
    checkDims("labels", labels, [1, ...spatial]);
    checkSpacing(spacing, spatial.length);
    if (group !== undefined && typeof group !== "string") throw invalidArgument("group", "a string", group);
    const wide = await asImage(logits, { batch: true, signal });
    return { logits: wide, labels, spacing, group: group ?? `case ${index}` };
  } catch (error) {
    throw inCase(index, error);
  }
}

/** Returns the error with the number of the case in its message. */
export function inCase(index: number, error: unknown): unknown {
  if (!(error instanceof InvalidArgumentError)) return error;
  const message = `case ${index}: ${error.message}`;
  return new InvalidArgumentError(error.argument, message, { cause: error, code: error.code });
}
