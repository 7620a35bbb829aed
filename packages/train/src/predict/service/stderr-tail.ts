import { Socket } from "node:net";
import type { Readable } from "node:stream";

const mostBytes = 4096;
const mostLines = 8;

/** What a process writes to stderr: its last lines are kept for the error of a crash, and all may be passed on. */
export class StderrTail {
  #kept: Buffer = Buffer.alloc(0);
  /** Settles when the process has closed its end and everything is read. */
  readonly ended: Promise<void>;
  readonly #stream: Readable | null;
  #forward: boolean;

  constructor(stream: Readable | null, forward: boolean) {
    this.#stream = stream;
    this.#forward = forward;
    stream?.on("data", (piece: Buffer) => {
      if (this.#forward) process.stderr.write(piece);
      this.#kept = Buffer.concat([this.#kept, piece]).subarray(-mostBytes);
    });
    this.ended = new Promise((resolve) => {
      if (stream === null) resolve();
      else stream.once("close", resolve);
    });
    // A pipe that breaks says no more than the end of its process, which is heard of anyway.
    stream?.on("error", () => undefined);
    // An idle process must not keep this one alive.
    if (stream instanceof Socket) stream.unref();
  }

  /** Keeps this process alive until the stream has ended. */
  ref(): void {
    if (this.#stream instanceof Socket) this.#stream.ref();
  }

  /** Passes on no more: the process is ending. */
  silence(): void {
    this.#forward = false;
  }

  /** The last lines as the end of an error's message; empty when there were none. */
  tail(): string {
    const lines = this.#kept.toString("utf8").trim().split("\n").slice(-mostLines);
    return lines[0] === "" ? "" : `; its last lines on stderr:\n${lines.join("\n")}`;
  }
}
