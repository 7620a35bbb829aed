import { PassThrough } from "node:stream";
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from "yauzl";
import type { ArchiveEntry } from "./plain-index.js";
import type { ByteSource } from "./regular-file.js";

const windowSize = 64 * 1024;

/** Gives yauzl the archive's end and index from one window, because it reads a few bytes at a time. */
class WindowReader extends RandomAccessReader {
  readonly #source: ByteSource;
  #start = 0;
  #bytes = Buffer.alloc(0);

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const copy = (): void => {
      const at = Math.min(position - this.#start, this.#bytes.length);
      done(null, this.#bytes.copy(buffer, offset, at, at + length));
    };
    const inside = position >= this.#start && position + length <= this.#start + this.#bytes.length;
    // The callback runs later even when nothing has to be read: yauzl would otherwise recurse once per entry.
    if (inside) setImmediate(copy);
    else
      this.#load(position, length).then(
        () => setImmediate(copy),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
  }

  async #load(position: number, length: number): Promise<void> {
    const { size } = this.#source;
    const start = Math.min(position, size);
    const count = Math.min(Math.max(length, windowSize), size - start);
    this.#bytes = Buffer.from(await this.#source.read(start, count));
    this.#start = start;
  }

  /** Always throws: entries are read without yauzl. */
  override _readStreamForRange(): PassThrough {
    return new PassThrough().end();
  }

  override close(done: (error: Error | null) => void): void {
    done(null);
  }
}

function openArchive(source: ByteSource): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
    fromRandomAccessReader(new WindowReader(source), source.size, options, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

function listEntries(zip: ZipFile, accept: (entry: ArchiveEntry) => void): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    zip.on("error", reject);
    zip.on("end", () => resolve(entries));
    zip.on("entry", (entry: Entry) => {
      try {
        accept(entry);
        entries.push(entry);
        zip.readEntry();
      } catch (error) {
        reject(error);
      }
    });
    zip.readEntry();
  });
}

/**
 * Reads the index of any ZIP archive. Hands the number of entries to `check` and each entry to `accept`,
 * which may throw before more is read.
 */
export async function yauzlIndex(
  source: ByteSource,
  check: (count: number) => void,
  accept: (entry: ArchiveEntry) => void,
): Promise<ArchiveEntry[]> {
  const zip = await openArchive(source);
  check(zip.entryCount);
  return listEntries(zip, accept);
}
