import { FormatError, overLimit } from "./errors.js";
import type { Limits } from "./limits.js";
import { type ArchiveEntry, plainIndex } from "./plain-index.js";
import type { ByteSource } from "./regular-file.js";

function checkOverlap(entries: readonly ArchiveEntry[], path: string): void {
  const sorted = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const { fileName, relativeOffsetOfLocalHeader: start, compressedSize } of sorted) {
    if (start < end) throw new FormatError(path, fileName, "overlaps another archive entry");
    end = start + 30 + compressedSize;
  }
}

/** Reads the index of a ZIP archive. Refuses too many entries, duplicate names and overlapping entries. */
export async function archiveIndex(
  source: ByteSource,
  path: string,
  limits: Limits,
): Promise<ArchiveEntry[]> {
  const check = (count: number): void => {
    if (count > limits.maxEntries)
      throw overLimit(
        new FormatError(path, undefined, `it has ${count} entries, more than ${limits.maxEntries} entries`),
      );
  };
  const names = new Set<string>();
  const accept = ({ fileName }: ArchiveEntry): void => {
    if (names.has(fileName)) throw new FormatError(path, fileName, "occurs twice in the archive");
    names.add(fileName);
  };
  let entries = await plainIndex(source);
  if (entries) {
    check(entries.length);
    entries.forEach(accept);
  } else {
    // Loaded only here, as yauzl takes longer to load than any module of ours and NumPy's archives need none.
    const { yauzlIndex } = await import("./yauzl-index.js");
    entries = await yauzlIndex(source, check, accept);
  }
  checkOverlap(entries, path);
  return entries;
}
