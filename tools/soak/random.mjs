// Random numbers seeded by a text: input 4711 of a target is the same on every machine and after every
// restart.

/** A generator (sfc32) seeded by the hash of its parts. */
export class Random {
  #a;
  #b;
  #c;
  #counter = 1;

  constructor(...parts) {
    let hash = 2166136261;
    for (const letter of parts.join("/")) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
    this.#a = hash;
    this.#b = Math.imul(hash, 0x9e3779b1) ^ 0x85ebca6b;
    this.#c = Math.imul(hash, 0xc2b2ae35) ^ 0x27d4eb2f;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Draws 32 random bits. */
  next() {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** Draws an integer from 0 to `count` - 1. */
  integer(count) {
    return count <= 0 ? 0 : this.next() % count;
  }

  /** Returns true in one of `count` cases. */
  oneIn(count) {
    return this.integer(count) === 0;
  }

  pick(list) {
    return list[this.integer(list.length)];
  }
}
