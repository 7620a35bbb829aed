import { Refusal } from "./refusal.js";

export interface AdmissionOptions {
  /** The number of cases that are worked on at once. */
  readonly concurrency: number;
  /** The number of further cases that may wait. */
  readonly queue: number;
}

/** A request's place: it uploads or waits, is worked on, or is done. */
export interface Place {
  state: "waiting" | "working" | "left";
}

/**
 * A bounded queue. A request takes a place before its body is read, so that memory is bounded by the places;
 * whoever finds none is refused with 503 and the seconds after which it may try again.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #inLine: (() => void)[] = [];
  #waiting = 0;
  #working = 0;
  /** The turns that are given, those that pass from one request to the next included. */
  #turns = 0;
  /** The mean seconds of the latest cases, by which waiting is estimated. */
  #seconds = 1;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** The numbers of requests that are worked on, and that upload or wait. */
  get state(): { readonly working: number; readonly waiting: number } {
    return { working: this.#working, waiting: this.#waiting };
  }

  /** Takes a place; throws Refusal if there is none. */
  enter(): Place {
    const { concurrency, queue } = this.#options;
    const taken = this.#waiting + this.#working;
    if (taken >= concurrency + queue) {
      const wait = Math.max(1, Math.ceil((this.#seconds * taken) / concurrency));
      const what = `${taken} cases are in progress or waiting, as many as the service holds`;
      throw new Refusal(503, "busy", what, wait);
    }
    this.#waiting += 1;
    return { state: "waiting" };
  }

  /** Gives a place back whose request is over; one that is worked on is given back when the work ends. */
  leave(place: Place): void {
    if (place.state !== "waiting") return;
    place.state = "left";
    this.#waiting -= 1;
  }

  /** Does the work of a place when its turn comes, in order; throws Refusal if it has left meanwhile. */
  async work<T>(place: Place, task: () => Promise<T>): Promise<T> {
    if (this.#turns < this.#options.concurrency) this.#turns += 1;
    else await new Promise<void>((resolve) => this.#inLine.push(resolve));
    try {
      if (place.state !== "waiting") throw new Refusal(499, "aborted", "the client went away");
      this.leave(place);
      return await this.#timed(place, task);
    } finally {
      // The turn passes to the next in line; if there is none it is free.
      const next = this.#inLine.shift();
      if (next) next();
      else this.#turns -= 1;
    }
  }

  async #timed<T>(place: Place, task: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    place.state = "working";
    this.#working += 1;
    try {
      return await task();
    } finally {
      place.state = "left";
      this.#working -= 1;
      this.#seconds += ((performance.now() - begun) / 1000 - this.#seconds) / 8;
    }
  }
}
