import { checkInteger, checkSpacing } from "../check.js";
import { invalidArgument } from "../errors.js";

/**
 * Returns the half-widths of nested windows r = 1 to `radius`, per spatial axis. With `spacing` a window
 * reaches r times the smallest spacing: an axis grows when its next step is within reach. Without, all axes
 * grow in every step.
 */
export function depthWindows(rank: number, radius: number, spacing?: readonly number[]): number[][] {
  checkInteger("rank", rank, 1, 3);
  checkInteger("radius", radius, 1, 255);
  checkSpacing(spacing, rank);
  const unit = spacing === undefined ? 1 : Math.min(...spacing);
  const steps = Array.from({ length: rank }, (_, axis) =>
    spacing === undefined ? 1 : spacing[axis]! / unit,
  );
  // A spacing of 3.0000001 is meant to be three times one of 1.
  return Array.from({ length: radius }, (_, i) => steps.map((step) => Math.floor((i + 1) / step + 1e-4)));
}

/** Returns the growth of each window as the kernel takes it; throws unless the windows are nested. */
export function windowGrowth(windows: readonly (readonly number[])[], rank: number): Uint8Array {
  const growth = new Uint8Array(windows.length);
  windows.forEach((window, r) => {
    if (window.length !== rank) throw invalidArgument("windows", `${rank} half-widths`, window);
    window.forEach((half, axis) => {
      const step = half - (r === 0 ? 0 : windows[r - 1]![axis]!);
      if (step !== 0 && step !== 1)
        throw invalidArgument("windows", "half-widths that grow by 0 or 1", windows);
      growth[r]! |= step << axis;
    });
  });
  return growth;
}
