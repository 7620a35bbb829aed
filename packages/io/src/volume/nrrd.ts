import type { DataType } from "@pixelcal/core";
import { elements } from "../element.js";
import { FormatError, overLimit } from "../errors.js";
import { checkFiles, type DataPlace, dataBytes, dataText, patternFiles } from "./detached.js";
import { nrrdGrid } from "./nrrd-geometry.js";
import { checkedBytes, refusal } from "./refuse.js";
import { hasEnding, type VolumeSource } from "./source.js";
import { Fields, headerLines } from "./text-header.js";
import { channelsLast, numbersOf, parseNumbers } from "./values.js";
import type { ReadSettings, Volume, VolumeReader } from "./volume.js";

const typeNames: readonly (readonly [DataType, string])[] = [
  ["int8", "signed char|int8|int8_t"],
  ["uint8", "uchar|unsigned char|uint8|uint8_t"],
  ["int16", "short|short int|signed short|signed short int|int16|int16_t"],
  ["uint16", "ushort|unsigned short|unsigned short int|uint16|uint16_t"],
  ["int32", "int|signed int|int32|int32_t"],
  ["uint32", "uint|unsigned int|uint32|uint32_t"],
  ["int64", "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t"],
  ["uint64", "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t"],
  ["float32", "float"],
  ["float64", "double"],
];
const types: ReadonlyMap<string, DataType> = new Map(
  typeNames.flatMap(([type, names]) => names.split("|").map((name) => [name, type] as const)),
);

const encodings: ReadonlyMap<string, "raw" | "gzip" | "text" | "hex"> = new Map([
  ["raw", "raw"],
  ["gz", "gzip"],
  ["gzip", "gzip"],
  ["txt", "text"],
  ["text", "text"],
  ["ascii", "text"],
  ["hex", "hex"],
]);

interface NrrdHeader {
  readonly fields: Fields;
  /** The pairs `key:=value`, which are not part of the format. */
  readonly pairs: ReadonlyMap<string, string>;
  readonly files: readonly string[] | undefined;
  /** The offset of the byte after the header. */
  readonly end: number;
}

async function parseHeader(source: VolumeSource): Promise<NrrdHeader> {
  const { path } = source;
  const fields = new Fields(path);
  const pairs = new Map<string, string>();
  let files: string[] | undefined;
  let first = true;
  let end = 0;
  for await (const { text, start, end: behind } of headerLines(source)) {
    end = behind;
    if (first) {
      const version = /^NRRD000(\d)$/.exec(text.trim());
      if (!version || Number(version[1]) > 5)
        throw refusal(
          path,
          "magic",
          0,
          `expected NRRD0001 to NRRD0005, got ${JSON.stringify(text.slice(0, 12))}`,
        );
      first = false;
    } else if (files) {
      if (text.trim() !== "") files.push(text.trim());
    } else if (text.trim() === "") break;
    else if (!text.startsWith("#")) {
      const pair = /^([^:]{1,1000}):=(.*)$/.exec(text);
      const field = /^([^:]{1,1000}):\s?(.*)$/.exec(text);
      if (pair) pairs.set(pair[1]!, pair[2]!);
      else if (field) {
        const key = field[1]!
          .trim()
          .toLowerCase()
          .replace(/^datafile$/, "data file")
          .replace(/^(line|byte)skip$/, "$1 skip");
        fields.set(key, field[2]!.trim(), start);
        if (key === "data file" && /^LIST\b/.test(field[2]!.trim())) files = [];
      } else
        throw refusal(
          path,
          "header",
          start,
          `expected "field: value", got ${JSON.stringify(text.slice(0, 40))}`,
        );
    }
  }
  return { fields, pairs, files, end };
}

function placeOf(path: string, { fields, files, end }: NrrdHeader, packed: boolean): DataPlace {
  const key = "data file";
  const name = fields.get(key);
  // A list may give the rank of its files, but they follow each other in memory whatever it is.
  const listed = files ?? (name === undefined ? undefined : (patternFiles(path, key, name) ?? [name]));
  return {
    key,
    files: listed === undefined ? undefined : checkFiles(path, key, listed),
    start: end,
    lines: fields.integer("line skip", fields.get("line skip") ?? "0", 0),
    skip: fields.integer("byte skip", fields.get("byte skip") ?? "0", -1),
    packed: packed ? "gzip" : undefined,
  };
}

/** Returns the names of the segments of 3D Slicer's `.seg.nrrd`. */
function segmentNames(pairs: ReadonlyMap<string, string>): ReadonlyMap<number, string> | undefined {
  const names = new Map<number, string>();
  for (const [key, value] of pairs) {
    const segment = /^(Segment\d+)_LabelValue$/.exec(key);
    const name = segment && pairs.get(`${segment[1]}_Name`);
    if (name !== undefined && name !== null && /^\d{1,9}$/.test(value)) names.set(Number(value), name);
  }
  return names.size > 0 ? names : undefined;
}

async function readNrrd(source: VolumeSource, settings: ReadSettings): Promise<Volume> {
  const { path } = source;
  const header = await parseHeader(source);
  const { fields, pairs } = header;
  const typeName = fields.need("type").toLowerCase();
  const type = types.get(typeName);
  if (!type) throw fields.fail("type", `"${typeName.slice(0, 40)}" is not read`);
  const encodingName = fields.need("encoding").toLowerCase();
  const encoding = encodings.get(encodingName);
  if (!encoding)
    throw fields.fail("encoding", `"${encodingName.slice(0, 40)}" is not read; store it as raw or gzip`);
  const rank = fields.integer("dimension", fields.need("dimension"), 1);
  if (rank > settings.limits.maxRank)
    throw overLimit(fields.fail("dimension", `${rank} axes; at most ${settings.limits.maxRank}`));
  const sizes = fields.sizes("sizes", rank);
  const { bytes: width } = elements[type];
  const size = checkedBytes(path, "sizes", 0, sizes, width, settings.limits);
  const endian = (fields.get("endian") ?? "").toLowerCase();
  const binary = encoding === "raw" || encoding === "gzip" || encoding === "hex";
  if (binary && width > 1 && endian !== "little" && endian !== "big")
    throw fields.fail("endian", `expected little or big for ${type}, got "${endian}"`);
  const { grid, before, channels, units, notes } = nrrdGrid(path, sizes, fields);

  const place = placeOf(path, header, encoding === "gzip");
  let extra = 0;
  let bytes: Uint8Array;
  let data: Volume["data"] | undefined;
  if (encoding === "text") {
    const parsed = await parseNumbers(type, await dataText(source, place, settings), size / width);
    if (typeof parsed === "string") throw new FormatError(path, "data", parsed);
    data = parsed;
  } else {
    if (encoding === "hex") bytes = fromHex(path, await dataText(source, place, settings), size);
    else ({ bytes, extra } = await dataBytes(source, place, size, settings));
    data = await numbersOf(type, bytes, endian === "big");
  }
  const names = segmentNames(pairs);
  if (extra > 0) notes.push(`${extra} bytes behind the voxels are ignored`);
  return {
    format: "NRRD",
    type,
    data: await channelsLast(data, before, channels),
    ...grid,
    ...(channels > 1 ? { channels } : {}),
    units,
    ...(names ? { names } : {}),
    notes,
  };
}

function fromHex(path: string, text: Uint8Array, size: number): Uint8Array {
  const digits = text.filter((letter) => letter !== 32 && !(letter >= 9 && letter <= 13));
  if (digits.length !== 2 * size)
    throw new FormatError(
      path,
      "data",
      `${digits.length} hexadecimal digits, the header declares ${2 * size}`,
    );
  const bytes = Buffer.from(Buffer.from(digits).toString("latin1"), "hex");
  if (bytes.length !== size) throw new FormatError(path, "data", `byte ${bytes.length} is not hexadecimal`);
  return Uint8Array.from(bytes);
}

export const nrrdReader: VolumeReader = {
  name: "NRRD",
  sniff(bytes, path) {
    if (Buffer.from(bytes.subarray(0, 7)).toString("latin1") === "NRRD000") return "magic";
    return hasEnding(path, [".nrrd", ".nhdr"]) ? "ending" : undefined;
  },
  read: readNrrd,
};
