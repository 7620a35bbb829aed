import { invalidArgument } from "./errors.js";
import { log } from "./portable-math.js";

/** Mixes 32 bits bijectively (the finalizer of MurmurHash3). */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function absorb(state: Uint32Array, word: number): void {
  for (let i = 0; i < 4; i++) {
    state[i] = mix((state[i]! ^ word) + Math.imul(i + 1, 0x9e3779b9) + Math.imul(state[(i + 3) & 3]!, 5));
  }
}

/**
 * A seeded random generator: xoshiro128** 1.1 (Blackman and Vigna, 2021). The state is 16 bytes; integers,
 * uniforms, normals and permutations are the same on every machine.
 */
export class Random {
  readonly #state: Uint32Array;

  private constructor(state: Uint32Array) {
    // The all-zero state is the only one the generator cannot leave.
    if (state.every((word) => word === 0)) state[0] = 1;
    this.#state = state;
  }

  /** Returns the generator of a whole-number seed. Different seeds give unrelated streams. */
  static fromSeed(seed: number): Random {
    if (!Number.isSafeInteger(seed)) throw invalidArgument("seed", "a safe integer", seed);
    const state = new Uint32Array(4);
    absorb(state, seed >>> 0);
    absorb(state, Math.floor(seed / 2 ** 32) >>> 0);
    return new Random(state);
  }

  /** Returns the generator whose `state()` was saved. */
  static fromState(state: Uint8Array): Random {
    if (state.length !== 16) throw invalidArgument("state", "16 bytes", state.length);
    const view = new DataView(state.buffer, state.byteOffset);
    const words = Uint32Array.of(0, 4, 8, 12).map((at) => view.getUint32(at, true));
    if (words.every((word) => word === 0))
      throw invalidArgument("state", "16 bytes that are not all 0", "zeros");
    return new Random(words);
  }

  /** Returns 16 bytes from which `fromState` continues exactly where this generator stands. */
  state(): Uint8Array {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    this.#state.forEach((word, i) => {
      view.setUint32(4 * i, word, true);
    });
    return bytes;
  }

  /**
   * Returns an independent generator for a named purpose. It depends on the present state and the label; this
   * generator does not advance.
   */
  split(label: string | number): Random {
    const state = this.#state.slice();
    const text = String(label);
    for (let i = 0; i < text.length; i++) absorb(state, text.charCodeAt(i));
    absorb(state, ~text.length);
    return new Random(state);
  }

  /** Returns 32 random bits as a number in [0, 2^32). */
  bits(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Returns a multiple of 2^-53 in [0, 1). */
  uniform(): number {
    const high = this.bits() >>> 5;
    return (high * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** Returns a whole number in [0, n), without bias, for n up to 2^32. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw invalidArgument("n", "an integer from 1 to 2^32", n);
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const bits = this.bits();
      if (bits < limit) return bits % n;
    }
  }

  /**
   * Returns a standard normal number (Marsaglia's polar method; the second value is dropped, so that the
   * state stays 16 bytes).
   */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * log(s)) / s);
    }
  }

  /** Returns the numbers 0 to n - 1 in random order (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    if (!Number.isInteger(n) || n < 0 || n > 2 ** 32 - 1)
      throw invalidArgument("n", "an integer from 0 to 2^32 - 1", n);
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
