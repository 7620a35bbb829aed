import { basename } from "node:path";
import { type FileSource, type OpenSource, withSource } from "../byte-source.js";
import type { Limits } from "../limits.js";
import { inflateHead } from "./inflate.js";

/** The number of bytes that identify a format. */
const headBytes = 4096;

/** An open source from which a volume is read. */
export interface VolumeSource extends OpenSource {
  /** The first bytes as stored. */
  readonly head: Uint8Array;
  readonly gzip: boolean;
  /** The first bytes, unpacked if the file is gzip. */
  readonly inner: Uint8Array;
}

/** Opens a source, hands it and its first bytes to `use` and closes it. Throws FormatError. */
export function withVolumeSource<T>(
  source: FileSource,
  name: string | undefined,
  limits: Limits,
  use: (source: VolumeSource) => Promise<T>,
): Promise<T> {
  return withSource(source, name, limits, async (opened) => {
    const { bytes } = opened;
    const head = new Uint8Array(await bytes.read(0, Math.min(headBytes, bytes.size)));
    const gzip = head[0] === 0x1f && head[1] === 0x8b;
    const inner = gzip ? inflateHead(head, "gzip", headBytes) : head;
    return use({ ...opened, head, gzip, inner });
  });
}

/** Returns whether the path ends with one of `endings`, in any case. */
export function hasEnding(path: string, endings: readonly string[]): boolean {
  const name = basename(path).toLowerCase();
  return endings.some((ending) => name.endsWith(ending));
}
