import { constants } from "node:buffer";
import { crc32 } from "node:zlib";
import { InvalidArgumentError, invalidArgument } from "../errors.js";

// The bytes of Metric.state(), all little-endian: "PCMS", a version byte (3), three zero bytes, the header's
// length as uint32, the CRC-32 (zlib's) of all other bytes as uint32, the header as UTF-8 JSON { kind,
// options } padded with spaces to a multiple of 8, then the sums as float64. JSON has no NaN; the string
// "NaN" stands for it. Version 2 had other sums in the same bytes; in version 1 there is no checksum either,
// and the header follows the length.
const magic = [0x50, 0x43, 0x4d, 0x53];
const current = 3;

/** The versions of states that can be read. */
export type StateVersion = 1 | 2 | 3;

const lengthAt = 8;
const checksumAt = 12;
const prefix: Readonly<Record<StateVersion, number>> = { 1: 12, 2: 16, 3: 16 };

/** A decoded state of a metric. */
export interface DecodedState {
  readonly version: StateVersion;
  readonly options: object;
  readonly sums: Float64Array;
}

/** Returns the state of a metric whose class is called `kind`; only parts of old groups have old versions. */
export function encodeState(
  kind: string,
  options: object,
  sums: Float64Array,
  version: StateVersion = current,
): Uint8Array {
  const header = new TextEncoder().encode(stringify({ kind, options }));
  const start = Math.ceil((prefix[version] + header.length) / 8) * 8;
  const bytes = new Uint8Array(start + 8 * sums.length).fill(0x20, prefix[version], start);
  const view = new DataView(bytes.buffer);
  bytes.set([...magic, version]);
  view.setUint32(lengthAt, start - prefix[version], true);
  bytes.set(header, prefix[version]);
  for (let i = 0; i < sums.length; i++) view.setFloat64(start + 8 * i, sums[i]!, true);
  if (version !== 1) view.setUint32(checksumAt, checksum(bytes), true);
  return bytes;
}

/**
 * Decodes a state of this `kind` without checking its options; throws when the bytes are not such a state.
 */
export function decodeState(kind: string, state: Uint8Array): DecodedState {
  if (!(state instanceof Uint8Array)) throw invalidArgument("state", "a Uint8Array", state);
  const version = versionOf(state);
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const start = prefix[version] + view.getUint32(lengthAt, true);
  if (start > state.length || (state.length - start) % 8 !== 0) {
    throw invalidArgument("state", "a complete metric state", `${state.length} bytes`);
  }
  if (version !== 1 && checksum(state) !== view.getUint32(checksumAt, true)) {
    throw new InvalidArgumentError(
      "state",
      "state: damaged (checksum mismatch); restore an intact copy or compute the metric again",
    );
  }
  const header = parse(new TextDecoder().decode(state.subarray(prefix[version], start)));
  if (header?.kind !== kind) throw invalidArgument("state", `a state of ${kind}`, header?.kind);
  const sums = new Float64Array((state.length - start) / 8);
  for (let i = 0; i < sums.length; i++) sums[i] = view.getFloat64(start + 8 * i, true);
  return { version, options: header.options, sums };
}

/** A metric's state as JSON holds it: the name of the class, and the bytes of `state()` in Base64. */
export interface MetricJson {
  readonly kind: string;
  readonly state: string;
}

/** Returns a state as JSON; throws when it is longer than a string can be. */
export function stateJson(kind: string, state: Uint8Array): MetricJson {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.byteLength);
  if (Math.ceil(bytes.length / 3) * 4 > constants.MAX_STRING_LENGTH) {
    const message = `state: ${bytes.length} bytes are too many for JSON; store the bytes of state()`;
    throw new InvalidArgumentError("state", message, { code: "ERR_PIXELCAL_RESULT_TOO_LARGE" });
  }
  return { kind, state: bytes.toString("base64") };
}

/** Returns the bytes of a state that {@link stateJson} made for this `kind`. */
export function stateBytes(kind: string, json: MetricJson): Uint8Array {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalidArgument("json", "an object, as JSON.parse returns it", json);
  if (json.kind !== kind) throw invalidArgument("json", `a state of ${kind}`, json.kind);
  const { state } = json;
  const bytes = typeof state === "string" ? Buffer.from(state, "base64") : undefined;
  // Buffer skips what is no Base64, which would hide damage from the checksum.
  if (bytes === undefined || bytes.toString("base64") !== state)
    throw invalidArgument("json.state", "bytes in Base64", state);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Throws unless the sums from `from` to `to` are whole, not negative and exact. */
export function checkCounts(sums: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (!(Number.isSafeInteger(sums[i]!) && sums[i]! >= 0))
      throw invalidArgument("state", "whole counts", sums[i]);
  }
}

/** Throws unless the sums from `from` to `to` are numbers of at least 0, which may be Infinity. */
export function checkTotals(sums: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (!(sums[i]! >= 0)) throw invalidArgument("state", "sums of at least 0", sums[i]);
  }
}

/** Throws unless two accumulators of the same kind were made with the same options. */
export function checkSameOptions(a: object, b: object): void {
  const [mine, theirs] = [a, b].map((options) => new Map(Object.entries(options)));
  for (const name of new Set([...mine!.keys(), ...theirs!.keys()])) {
    const [x, y] = [mine!.get(name), theirs!.get(name)].map((value) => stringify(value) ?? "not given");
    if (x !== y) throw new InvalidArgumentError("other", `other: options differ (${name} ${x} and ${y})`);
  }
}

function versionOf(state: Uint8Array): StateVersion {
  const version = state[4];
  const known = version === 1 || version === 2 || version === 3;
  if (magic.some((byte, i) => state[i] !== byte) || !known || state[5] || state[6] || state[7]) {
    throw invalidArgument("state", "a metric state of version 1, 2 or 3", "other bytes");
  }
  if (state.length < prefix[version]) {
    throw invalidArgument("state", "a complete metric state", `${state.length} bytes`);
  }
  return version;
}

function checksum(state: Uint8Array): number {
  return crc32(state.subarray(checksumAt + 4), crc32(state.subarray(0, checksumAt)));
}

function stringify(value: unknown): string | undefined {
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
