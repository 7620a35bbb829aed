import { invalidArgument } from "../errors.js";

// The bytes of Metric.state(): "PCMS", a version byte (1), three zero bytes, the header's length as uint32, the header as
// UTF-8 JSON { kind, options } padded with spaces to a multiple of 8, then the sums as float64. All little-endian. JSON has
// no NaN: it stands as the string "NaN".
const magic = [0x50, 0x43, 0x4d, 0x53, 1, 0, 0, 0];
const prefix = magic.length + 4;

/** The state of a metric whose class is called `kind`. */
export function encodeState(kind: string, options: object, sums: Float64Array): Uint8Array {
  const header = new TextEncoder().encode(stringify({ kind, options }));
  const start = Math.ceil((prefix + header.length) / 8) * 8;
  const bytes = new Uint8Array(start + 8 * sums.length).fill(0x20, prefix, start);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint32(magic.length, start - prefix, true);
  bytes.set(header, prefix);
  sums.forEach((sum, i) => void view.setFloat64(start + 8 * i, sum, true));
  return bytes;
}

/** The options in a state of this `kind`; throws when the bytes are no such state. */
export function decodeState(kind: string, state: Uint8Array): { options: object; sums: Float64Array } {
  if (!(state instanceof Uint8Array)) throw invalidArgument("state", "a Uint8Array", state);
  if (state.length < prefix || magic.some((byte, i) => state[i] !== byte)) {
    throw invalidArgument("state", "a version 1 metric state", "other bytes");
  }
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const start = prefix + view.getUint32(magic.length, true);
  if (start > state.length || (state.length - start) % 8 !== 0) {
    throw invalidArgument("state", "a whole metric state", `${state.length} bytes`);
  }
  const header = parse(new TextDecoder().decode(state.subarray(prefix, start)));
  if (header?.kind !== kind) throw invalidArgument("state", `the state of a ${kind}`, header?.kind);
  const sums = Float64Array.from({ length: (state.length - start) / 8 }, (_, i) =>
    view.getFloat64(start + 8 * i, true),
  );
  if (sums.some((sum) => Number.isNaN(sum))) throw invalidArgument("state", "numbers", "NaN");
  return { options: header.options, sums };
}

/** Throws unless two accumulators of the same kind were made with the same options. */
export function checkSameOptions(a: object, b: object): void {
  const [mine, theirs] = [stringify(a), stringify(b)];
  if (mine !== theirs) throw invalidArgument("other", `options ${mine}`, theirs);
}

function stringify(value: object): string {
  return JSON.stringify(value, (_, field: unknown) => (Number.isNaN(field) ? "NaN" : field));
}

function parse(json: string): { kind: string; options: object } | undefined {
  try {
    const header: unknown = JSON.parse(json, (_, field: unknown) => (field === "NaN" ? Number.NaN : field));
    if (typeof header !== "object" || header === null) return undefined;
    if (!("kind" in header) || typeof header.kind !== "string") return undefined;
    if (!("options" in header) || typeof header.options !== "object" || header.options === null)
      return undefined;
    return { kind: header.kind, options: header.options };
  } catch {
    return undefined;
  }
}
