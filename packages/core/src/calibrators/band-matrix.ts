import { setImmediate } from "node:timers/promises";

/** A symmetric matrix whose elements more than `width` away from the diagonal are 0. */
export class BandMatrix {
  readonly size: number;
  readonly width: number;
  /** Element (i, j) with j <= i lies at `i * (width + 1) + i - j`. */
  readonly values: Float64Array;

  constructor(size: number, width: number = size - 1) {
    this.size = size;
    this.width = width;
    this.values = new Float64Array(size * (width + 1));
  }

  /** Returns the full matrix whose element (i, j) is `values[i * size + j]`; the upper half is not read. */
  static full(values: ArrayLike<number>): BandMatrix {
    const matrix = new BandMatrix(Math.round(Math.sqrt(values.length)));
    const { size } = matrix;
    for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) matrix.add(i, j, values[i * size + j]!);
    return matrix;
  }

  /** Adds to element (i, j) and to (j, i), which are one; j is at most i. */
  add(i: number, j: number, value: number): void {
    this.values[i * (this.width + 1) + i - j]! += value;
  }

  /**
   * Solves A x = b on the free unknowns, the others being 0, for a matrix that is positive up to rounding, by
   * Cholesky's method: the diagonal is raised until it is positive. Large systems let the event loop run.
   */
  async solve(right: Float64Array, free?: readonly boolean[]): Promise<Float64Array> {
    let largest = 0;
    for (let i = 0; i < this.size; i++) largest = Math.max(largest, Math.abs(this.#at(i, i)));
    if (largest === 0) return right.map((value, i) => (free?.[i] === false ? 0 : value));
    for (let raise = 0; ; raise = raise === 0 ? largest * 1e-14 : raise * 10) {
      const factor = await this.#factored(raise, free);
      if (factor !== undefined) return factor.#substituted(right, free);
    }
  }

  #at(i: number, j: number): number {
    return this.values[i * (this.width + 1) + i - j]!;
  }

  async #factored(raise: number, free: readonly boolean[] | undefined): Promise<BandMatrix | undefined> {
    const { size, width } = this;
    const factor = new BandMatrix(size, width);
    const l = factor.values;
    let work = 0;
    // A row of the factor begins where that of the matrix does, which makes tables of many cells cheap.
    const first = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      const row = i * (width + 1) + i;
      if (free?.[i] === false) {
        first[i] = i;
        l[row - i] = 1;
        continue;
      }
      first[i] = Math.max(0, i - width);
      while (first[i]! < i && (this.#at(i, first[i]!) === 0 || free?.[first[i]!] === false)) first[i]!++;
      for (let j = first[i]!; j <= i; j++) {
        if (free?.[j] === false) continue;
        const other = j * (width + 1) + j;
        let sum = this.#at(i, j) + (i === j ? raise : 0);
        for (let k = Math.max(first[i]!, first[j]!); k < j; k++) sum -= l[row - k]! * l[other - k]!;
        if (i !== j) l[row - j] = sum / l[other - j]!;
        else if (sum > 0) l[row - i] = Math.sqrt(sum);
        else return undefined;
      }
      work += ((i - first[i]! + 1) * (i - first[i]! + 2)) / 2;
      if (work > 1e6) {
        work = 0;
        await setImmediate();
      }
    }
    return factor;
  }

  /** Solves L L^T x = b, where this is L. */
  #substituted(right: Float64Array, free: readonly boolean[] | undefined): Float64Array {
    const { size, width } = this;
    const x = right.map((value, i) => (free?.[i] === false ? 0 : value));
    for (let i = 0; i < size; i++) {
      for (let k = Math.max(0, i - width); k < i; k++) x[i]! -= this.#at(i, k) * x[k]!;
      x[i]! /= this.#at(i, i);
    }
    for (let i = size - 1; i >= 0; i--) {
      x[i]! /= this.#at(i, i);
      for (let k = Math.max(0, i - width); k < i; k++) x[k]! -= this.#at(i, k) * x[i]!;
    }
    return x;
  }
}
