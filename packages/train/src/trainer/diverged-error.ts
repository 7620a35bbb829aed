/** The loss or its gradient is not finite; parameters and buffers are as before the step. */
export class DivergedError extends Error {
  readonly code = "ERR_PIXELCAL_DIVERGED";
  /** For example "the loss is NaN". */
  readonly what: string;
  constructor(what: string, updates: number) {
    super(`training diverged: ${what} after ${updates} updates`);
    this.name = "DivergedError";
    this.what = what;
  }
}

/** Throws `DivergedError` unless a value is finite. */
export function checkFinite(what: string, value: number, updates: number): void {
  if (!Number.isFinite(value)) throw new DivergedError(`the ${what} is ${value}`, updates);
}
