import type { Session } from "./session.js";
import { SessionError } from "./session-error.js";

/** A cache of open sessions by key, which closes the least recently used beyond `limit`. */
export class SessionCache {
  readonly #limit: number;
  readonly #sessions = new Map<string, Promise<Session>>();
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async open(key: string, create: () => Promise<Session>): Promise<Session> {
    if (this.#closed) throw new SessionError("closed: no more can be run");
    const known = this.#sessions.get(key);
    this.#sessions.delete(key);
    const session = known ?? create();
    this.#sessions.set(key, session);
    try {
      await session;
    } catch (error) {
      this.#sessions.delete(key);
      throw error;
    }
    for (const [oldest, idle] of this.#sessions) {
      if (this.#sessions.size <= this.#limit) break;
      this.#sessions.delete(oldest);
      await (await idle).close();
    }
    return session;
  }

  /** Closes every session, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await (await session).close();
  }
}
