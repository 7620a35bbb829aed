import type { Session } from "./session.js";
import { SessionError } from "./session-error.js";

/** The most sessions that a cache keeps, and the bytes of memory beyond which it keeps only the `least`. */
export interface CacheLimits {
  readonly count?: number;
  readonly bytes?: number;
  readonly least?: number;
}

interface Kept {
  readonly session: Promise<Session>;
  readonly bytes: () => number;
}

/** A cache of open sessions by key, which closes the least recently used beyond its limits. */
export class SessionCache {
  readonly #limits: Required<CacheLimits>;
  readonly #sessions = new Map<string, Kept>();
  #closed = false;

  constructor({
    count = Number.POSITIVE_INFINITY,
    bytes = Number.POSITIVE_INFINITY,
    least = 1,
  }: CacheLimits) {
    this.#limits = { count, bytes, least };
  }

  /** Returns the session of a key; `bytes` tells the memory of one that `create` has made. */
  async open(key: string, create: () => Promise<Session>, bytes: () => number = () => 0): Promise<Session> {
    if (this.#closed) throw new SessionError("closed: no more can be run");
    const known = this.#sessions.get(key);
    this.#sessions.delete(key);
    const kept = known ?? { session: create(), bytes };
    this.#sessions.set(key, kept);
    try {
      await kept.session;
    } catch (error) {
      this.#sessions.delete(key);
      throw error;
    }
    for (const [oldest, { session }] of this.#sessions) {
      if (this.#fits()) break;
      this.#sessions.delete(oldest);
      await (await session).close();
    }
    return kept.session;
  }

  #fits(): boolean {
    const { size } = this.#sessions;
    const { count, bytes, least } = this.#limits;
    if (size > count) return false;
    return size <= least || [...this.#sessions.values()].reduce((sum, one) => sum + one.bytes(), 0) <= bytes;
  }

  /** Closes every session, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const { session } of sessions) await (await session).close();
  }
}
