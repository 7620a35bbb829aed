/** A map from values to pixels, with the ticks of its axis. */
export interface Scale {
  readonly ticks: readonly number[];
  /** Returns the position of a value, in pixels. */
  at(value: number): number;
  /** Returns the text of a tick. */
  label(tick: number): string;
}

/** The positions, in pixels, of the two ends of a scale. */
export type Range = readonly [from: number, to: number];

/**
 * Returns 1, 2 or 5 times a power of ten: the smallest such step that cuts `span` into at most `count`
 * parts.
 */
export function niceStep(span: number, count: number): number {
  const least = span / count;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9))!;
  return step * power;
}

/**
 * Returns the multiples of a nice step that enclose [low, high], at most `count` steps of the values apart.
 */
export function niceTicks(low: number, high: number, count: number): readonly number[] {
  const step = niceStep(high - low || Math.abs(high) || 1, count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiples, as sums of a step such as 0.1 would drift.
  return Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step));
}

/** Removes the rounding of a product such as 3 * 0.1. */
const tidy = (value: number): number => Number(value.toPrecision(12));

/** Returns a number with a true minus, and thousands apart. */
export function plain(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole, rest] = text.split(".");
  const grouped = whole!.length > 4 ? whole!.replace(/\B(?=(\d{3})+$)/g, ",") : whole!;
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return `${sign}${grouped}${rest === undefined ? "" : `.${rest}`}`;
}

/** Returns the number of decimals that the multiples of a step need. */
function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 12; decimals++)
    if (Math.abs(step - Number(step.toFixed(decimals))) < step * 1e-6) return decimals;
  return 12;
}

/** Returns a scale whose ends are ticks of a nice step around the values. */
export function linearScale(low: number, high: number, range: Range, count = 5): Scale {
  const ticks = niceTicks(low, high, count);
  return linearOf(ticks, range);
}

/** Returns a linear scale from the first tick to the last. */
export function linearOf(ticks: readonly number[], [from, to]: Range): Scale {
  const [first, last] = [ticks[0]!, ticks.at(-1)!];
  const decimals = decimalsOf(ticks[1]! - first);
  return {
    ticks,
    at: (value) => from + ((value - first) / (last - first)) * (to - from),
    label: (tick) => plain(tick, decimals),
  };
}

/**
 * Returns a scale of counts from 1 to the power of ten at or above `high`; counts below 1 lie at its start.
 */
export function logScale(high: number, [from, to]: Range, count = 3): Scale {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(high, 10)) - 1e-9));
  const step = Math.ceil(decades / count);
  const last = Math.ceil(decades / step) * step;
  return {
    ticks: Array.from({ length: last / step + 1 }, (_, i) => 10 ** (i * step)),
    at: (value) => from + (Math.log10(Math.max(value, 1)) / last) * (to - from),
    label: compact,
  };
}

/**
 * Returns a square-root scale from 0, for errors that crowd near it; ticks are 1, 2 and 5 times powers of
 * ten.
 */
export function rootScale(high: number, [from, to]: Range, apart = 26): Scale {
  const top = [1, 2, 5, 10].map((factor) => factor * 10 ** Math.floor(Math.log10(high > 0 ? high : 1)));
  const last = tidy(top.find((tick) => tick >= high * (1 - 1e-9))!);
  const at = (value: number): number => from + Math.sqrt(Math.max(value, 0) / last) * (to - from);
  const ticks = [last];
  for (let power = Math.ceil(Math.log10(last)); power > -8; power--)
    for (const factor of [5, 2, 1]) {
      const tick = tidy(factor * 10 ** power);
      const free = Math.abs(at(tick) - at(ticks.at(-1)!)) >= apart && Math.abs(at(tick) - from) >= apart;
      if (tick < last && free) ticks.push(tick);
    }
  ticks.push(0);
  return {
    ticks: ticks.reverse(),
    at,
    label: (tick) => (tick === 0 || tick >= 1e-4 ? String(tick) : tick.toExponential()),
  };
}

/** Returns a count in at most four characters, for example 12k or 3M. */
export function compact(count: number): string {
  const units = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  for (const [size, unit] of units)
    if (count >= size) return `${Number((count / size).toPrecision(3))}${unit}`;
  return String(Number(count.toPrecision(3)));
}
