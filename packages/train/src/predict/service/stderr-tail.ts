import type { Socket } from "node:net";
import type { Readable } from "node:stream";

const mostBytes = 4096;
const mostLines = 8;

/** The stderr of a process: keeps its last lines for the error of a crash, and may pass everything on. */
export class StderrTail {
  #kept: Buffer = Buffer.alloc(0);
  /** Settles when the process has closed the stream and everything is read. */
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
    // A broken pipe means that the process has ended, which its exit event reports.
    stream?.on("error", () => undefined);
    // An idle process must not keep this one alive.
    this.#handle().unref?.();
  }

  /** Keeps this process alive until the stream has ended. */
  ref(): void {
    this.#handle().ref?.();
  }

  /** The stream of a process is a socket on Node, and another stream with the same two functions on Bun. */
  #handle(): Partial<Pick<Socket, "ref" | "unref">> {
    return (this.#stream ?? {}) as Partial<Socket>;
  }

  /** Stops passing on; the process is ending. */
  silence(): void {
    this.#forward = false;
  }

  /** Returns the last lines as the end of an error's message; empty if there are none. */
  tail(): string {
    const lines = this.#kept.toString("utf8").trim().split("\n").slice(-mostLines);
    return lines[0] === "" ? "" : `; its last lines on stderr:\n${lines.join("\n")}`;
  }
}
