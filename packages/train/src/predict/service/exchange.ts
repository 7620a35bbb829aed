import {
  closeSync,
  fstat,
  ftruncate,
  mkdtempSync,
  openSync,
  read,
  rmSync,
  statfsSync,
  unlinkSync,
  write,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const readAsync = promisify(read);
const writeAsync = promisify(write);
const truncateAsync = promisify(ftruncate);
const fstatAsync = promisify(fstat);

/** One call reads or writes at most 2 GiB. */
const largest = 2 ** 30;
const shared = "/dev/shm";
/** Containers often have 64 MiB there, which one volume fills. */
const roomy = 2 ** 30;

/**
 * A file in memory, where the system has such, that two processes have open and no folder lists: it is gone
 * when both are. It holds the bytes of one message and nothing else: it is sized exactly, and empty between
 * messages. It is read and written by threads of the pool, straight from and to arrays, so that the caller's
 * thread copies nothing.
 */
export class ExchangeFile {
  readonly descriptor: number;
  #closed = false;
  /** Reads and writes under way: the number must not pass to another file before they end. */
  #busy = 0;

  constructor() {
    // A folder of its own that only this user enters, by a name nobody can guess: no other process can put a
    // file or a link in its place.
    const folder = mkdtempSync(join(place(), "pixelcal-"));
    try {
      const path = join(folder, "exchange");
      this.descriptor = openSync(path, "wx+", 0o600);
      unlinkSync(path);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Replaces the file's content by the bytes of some arrays, one after another. */
  write(...arrays: readonly Uint8Array[]): Promise<void> {
    // Any array may be transferred or shrunk from here on.
    const lengths = arrays.map(({ length }) => length);
    return this.#use(async () => {
      await truncateAsync(this.descriptor, 0);
      let begin = 0;
      for (const [i, bytes] of arrays.entries()) {
        const total = lengths[i]!;
        const check = (): void => {
          if (bytes.length !== total)
            throw new Error(`expected an array of ${total} bytes, got ${bytes.length}`);
        };
        await pieces(total, async (at, length) => {
          check();
          return (await writeAsync(this.descriptor, bytes, at, length, begin + at)).bytesWritten;
        });
        check();
        begin += total;
      }
    });
  }

  /** Fills some arrays, one after another, with the file's content, which must have exactly their size. */
  read(...arrays: readonly Uint8Array[]): Promise<void> {
    return this.#use(async () => {
      const { size } = await fstatAsync(this.descriptor);
      const total = arrays.reduce((sum, { length }) => sum + length, 0);
      if (size !== total) throw new Error(`expected ${total} bytes, got ${size}`);
      let begin = 0;
      for (const into of arrays) {
        await pieces(into.length, async (at, length) => {
          return (await readAsync(this.descriptor, into, at, length, begin + at)).bytesRead;
        });
        begin += into.length;
      }
    });
  }

  /** Removes the last message. */
  clear(): Promise<void> {
    return this.#use(() => truncateAsync(this.descriptor, 0));
  }

  /** Frees the file as soon as nothing reads or writes it. Closing twice is harmless. */
  close(): void {
    if (!this.#closed && this.#busy === 0) closeSync(this.descriptor);
    this.#closed = true;
  }

  async #use(work: () => Promise<void>): Promise<void> {
    if (this.#closed) throw new Error("the file is closed");
    this.#busy += 1;
    try {
      await work();
    } finally {
      this.#busy -= 1;
      if (this.#closed && this.#busy === 0) closeSync(this.descriptor);
    }
  }
}

async function pieces(total: number, move: (at: number, length: number) => Promise<number>): Promise<void> {
  for (let at = 0; at < total; ) {
    const moved = await move(at, Math.min(total - at, largest));
    if (moved === 0) throw new Error(`expected ${total} bytes, got ${at}`);
    at += moved;
  }
}

function place(): string {
  try {
    const { bavail, bsize } = statfsSync(shared);
    return bavail * bsize >= roomy ? shared : tmpdir();
  } catch {
    return tmpdir();
  }
}
