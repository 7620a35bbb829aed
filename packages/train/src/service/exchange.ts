import { closeSync, openSync, read, statfsSync, unlinkSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const readAsync = promisify(read);
const writeAsync = promisify(write);

/** One call reads or writes at most 2 GiB. */
const largest = 2 ** 30;
const shared = "/dev/shm";
/** Containers often have 64 MiB there, which one volume fills. */
const roomy = 2 ** 30;

let count = 0;

/**
 * A file in memory, where the system has such, that two processes have open and no folder lists: it is gone when both
 * are. It is read and written by threads of the pool, straight from and to arrays, so that the caller's thread copies
 * nothing.
 */
export class ExchangeFile {
  readonly descriptor: number;
  #closed = false;
  /** Reads and writes under way: the number must not pass to another file before they end. */
  #busy = 0;

  constructor() {
    const path = join(folder(), `.pixelcal.${process.pid}.${count++}.tmp`);
    this.descriptor = openSync(path, "wx+", 0o600);
    unlinkSync(path);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#pieces(bytes.length, async (at, length) => {
      return (await writeAsync(this.descriptor, bytes, at, length, at)).bytesWritten;
    });
  }

  read(into: Uint8Array): Promise<void> {
    return this.#pieces(into.length, async (at, length) => {
      return (await readAsync(this.descriptor, into, at, length, at)).bytesRead;
    });
  }

  /** Frees the file as soon as nothing reads or writes it. Closing twice is harmless. */
  close(): void {
    if (!this.#closed && this.#busy === 0) closeSync(this.descriptor);
    this.#closed = true;
  }

  async #pieces(total: number, move: (at: number, length: number) => Promise<number>): Promise<void> {
    if (this.#closed) throw new Error("the file is closed");
    this.#busy += 1;
    try {
      for (let at = 0; at < total; ) {
        const moved = await move(at, Math.min(total - at, largest));
        if (moved === 0) throw new Error(`expected ${total} bytes, got ${at}`);
        at += moved;
      }
    } finally {
      this.#busy -= 1;
      if (this.#closed && this.#busy === 0) closeSync(this.descriptor);
    }
  }
}

function folder(): string {
  try {
    const { bavail, bsize } = statfsSync(shared);
    return bavail * bsize >= roomy ? shared : tmpdir();
  } catch {
    return tmpdir();
  }
}
