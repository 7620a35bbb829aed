import type { WriteStream } from "node:tty";

/** The output of a `Terminal`: a terminal's stream, a pipe or a file. */
export type Output = Pick<NodeJS.WritableStream, "write"> & Partial<Pick<WriteStream, "isTTY" | "columns">>;

export interface TerminalOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A clock in milliseconds from any origin; tests give their own. */
  readonly now?: () => number;
}

/** The progress of a long job. */
export interface Progress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** The values to show after the bar, in order. */
  readonly values?: readonly string[];
}

const redrawInterval = 100;

/**
 * Reports the progress of work to a person. On a terminal `progress` redraws one line; elsewhere it writes
 * nothing, so that a log holds only whole lines without escape codes. Respects `NO_COLOR` and `TERM=dumb`.
 */
export class Terminal {
  readonly interactive: boolean;
  /** Whether nothing is written, as by the processes of a job but the first. */
  silent = false;
  readonly #color: boolean;
  readonly #output: Output;
  readonly #now: () => number;
  #drawn = false;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(output: Output, options: TerminalOptions = {}) {
    const environment = options.environment ?? process.env;
    this.#output = output;
    this.#now = options.now ?? (() => performance.now());
    this.interactive = output.isTTY === true && environment.TERM !== "dumb";
    this.#color = this.interactive && !environment.NO_COLOR;
  }

  now(): number {
    return this.#now();
  }

  /** Writes one whole line. */
  line(text: string): void {
    this.clear();
    if (!this.silent) this.#output.write(`${text}\n`);
  }

  warn(text: string): void {
    this.line(`${this.#paint("33", "warning:")} ${text}`);
  }

  error(text: string): void {
    this.line(`${this.#paint("31", "error:")} ${text}`);
  }

  /** Redraws the progress line, at most ten times a second. */
  progress(progress: Progress): void {
    const now = this.#now();
    if (
      this.silent ||
      !this.interactive ||
      (now - this.#drawnAt < redrawInterval && progress.done < progress.total)
    )
      return;
    const width = this.#output.columns ?? 80;
    this.#output.write(`\r${progressLine(progress, width - 1)}\x1b[K`);
    this.#drawn = true;
    this.#drawnAt = now;
  }

  /** Removes the progress line. */
  clear(): void {
    if (this.#drawn) this.#output.write("\r\x1b[K");
    this.#drawn = false;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }

  #paint(code: string, text: string): string {
    return this.#color ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** Formats the progress line: label, bar, counts and values, cut to `width` columns. */
export function progressLine({ label, done, total, values = [] }: Progress, width: number): string {
  const size = 20;
  const filled = total > 0 ? Math.round((size * Math.min(done, total)) / total) : 0;
  const bar = `[${"#".repeat(filled)}${".".repeat(size - filled)}]`;
  return [label, bar, `${done}/${total}`, ...values].join(" ").slice(0, width);
}

/** Formats seconds as "8 s", "3:05" or "1:02:03"; "?" while unknown. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Measures the speed of a job that may have begun earlier: only work done from now on counts. */
export class Pace {
  readonly #begun: number;
  readonly #first: number;
  readonly #now: () => number;

  constructor(now: () => number, first: number = 0) {
    this.#now = now;
    this.#begun = now();
    this.#first = first;
  }

  /** Returns the steps per second, and the seconds that remain until `total`. */
  at(done: number, total: number): { rate: number; remaining: number } {
    const seconds = (this.#now() - this.#begun) / 1000;
    const rate = seconds > 0 ? (done - this.#first) / seconds : 0;
    return { rate, remaining: rate > 0 ? (total - done) / rate : Number.POSITIVE_INFINITY };
  }
}
