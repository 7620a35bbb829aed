import type { DataType } from "@pixelcal/core";
import { elements } from "../element.js";
import { FormatError } from "../errors.js";
import { checkFiles, type DataPlace, dataBytes, dataText, patternFiles } from "./detached.js";
import { gridOf, scaleBy } from "./geometry.js";
import { checkedBytes, refusal } from "./refuse.js";
import { hasEnding, type VolumeSource } from "./source.js";
import { Fields, headerLines, unitOf } from "./text-header.js";
import { channelsLast, numbersOf, parseNumbers } from "./values.js";
import type { Grid, ReadSettings, Vector, Volume, VolumeReader } from "./volume.js";

const types: ReadonlyMap<string, DataType> = new Map([
  ["MET_CHAR", "int8"],
  ["MET_UCHAR", "uint8"],
  ["MET_SHORT", "int16"],
  ["MET_USHORT", "uint16"],
  ["MET_INT", "int32"],
  ["MET_UINT", "uint32"],
  // MetaIO writes 4 bytes for a long on every system.
  ["MET_LONG", "int32"],
  ["MET_ULONG", "uint32"],
  ["MET_LONG_LONG", "int64"],
  ["MET_ULONG_LONG", "uint64"],
  ["MET_FLOAT", "float32"],
  ["MET_DOUBLE", "float64"],
]);

interface MetaHeader {
  readonly fields: Fields;
  readonly files: readonly string[] | undefined;
  readonly end: number;
}

async function parseHeader(source: VolumeSource): Promise<MetaHeader> {
  const { path } = source;
  const fields = new Fields(path);
  const key = "ElementDataFile";
  let files: string[] | undefined;
  let end = 0;
  for await (const { text, start, end: behind } of headerLines(source)) {
    if (files) {
      if (text.trim() !== "") files.push(text.trim());
      continue;
    }
    const match = /^\s*([\w.:-]{1,200})\s*[=:]\s*(.*)$/.exec(text);
    if (!match) {
      if (text.trim() === "") continue;
      const what = `expected "Field = value", got ${JSON.stringify(text.slice(0, 40))}`;
      throw refusal(path, "header", start, what);
    }
    const value = match[2]!.trim();
    if (match[1] !== "Comment") fields.set(match[1]!, value, start);
    if (match[1] !== key) continue;
    end = behind;
    if (value.toUpperCase() === "LOCAL") return { fields, files: undefined, end };
    if (!/^LIST\b/i.test(value)) return { fields, files: patternFiles(path, key, value) ?? [value], end };
    files = [];
  }
  if (!files) throw new FormatError(path, key, "is missing in the header");
  return { fields, files: checkFiles(path, key, files), end };
}

function flag(fields: Fields, ...names: readonly string[]): boolean {
  const text = (fields.get(...names) ?? "False").toLowerCase();
  if (/^(true|1|yes)$/.test(text)) return true;
  if (/^(false|0|no)$/.test(text)) return false;
  throw fields.fail(names[0]!, `expected True or False, got "${text.slice(0, 40)}"`);
}

function gridOfHeader(
  path: string,
  fields: Fields,
  sizes: readonly number[],
  notes: string[],
): { grid: Grid; units: string } {
  const rank = sizes.length;
  const list = (...names: readonly string[]): readonly number[] | undefined => {
    const text = fields.get(...names);
    return text === undefined ? undefined : fields.numbers(names[0]!, text);
  };
  const exactly = (
    key: string,
    count: number,
    values: readonly number[] | undefined,
  ): readonly number[] | undefined => {
    if (values && values.length !== count)
      throw fields.fail(key, `expected ${count} numbers, got ${values.length}`);
    return values;
  };
  const given = exactly("ElementSpacing", rank, list("ElementSpacing", "ElementSize"));
  if (!given) notes.push("no spacing is given; 1 is assumed");
  const place = exactly("Offset", rank, list("Offset", "Position", "Origin")) ?? [];
  const matrix = exactly("TransformMatrix", rank * rank, list("TransformMatrix", "Rotation", "Orientation"));
  if (!matrix) notes.push("no directions are given; axes are taken to run left, posterior, superior");
  // MetaIO's unit of length is mm unless it is named.
  const { units, factor } = unitOf(fields.get("DistanceUnits")?.replace(/^\?$/, "mm") ?? "mm", notes);
  const shape = sizes.slice(0, 3);
  const columns = shape.map((_, axis): Vector => {
    const part = (i: number): number => (i < rank ? (matrix?.[axis * rank + i] ?? (i === axis ? 1 : 0)) : 0);
    return scaleBy([part(0), part(1), part(2)], (given?.[axis] ?? 1) * factor);
  });
  const [x = 0, y = 0, z = 0] = place;
  return {
    grid: gridOf(path, "TransformMatrix", shape, { columns, origin: scaleBy([x, y, z], factor) }),
    units,
  };
}

async function readMetaImage(source: VolumeSource, settings: ReadSettings): Promise<Volume> {
  const { path } = source;
  const { limits } = settings;
  const { fields, files, end } = await parseHeader(source);
  const object = fields.get("ObjectType") ?? "Image";
  if (object !== "Image") throw fields.fail("ObjectType", `expected Image, got "${object.slice(0, 40)}"`);
  const rank = fields.integer("NDims", fields.need("NDims"), 1);
  if (rank > 4) throw fields.fail("NDims", `${rank} axes; at most 3 of space and one of channels are read`);
  const sizes = fields.sizes("DimSize", rank);
  const typeName = fields.need("ElementType").toUpperCase();
  const type = types.get(typeName);
  if (!type) throw fields.fail("ElementType", `"${typeName.slice(0, 40)}" is not read`);
  const inner = fields.integer("ElementNumberOfChannels", fields.get("ElementNumberOfChannels") ?? "1", 1);
  const outer = sizes[3] ?? 1;
  const { bytes: width } = elements[type];
  const size = checkedBytes(path, "DimSize", 0, [inner, ...sizes], width, limits);
  const notes: string[] = [];
  const { grid, units } = gridOfHeader(path, fields, sizes, notes);
  const packed = flag(fields, "CompressedData");
  const place: DataPlace = {
    key: "ElementDataFile",
    files,
    start: end,
    lines: 0,
    skip: fields.integer("HeaderSize", fields.get("HeaderSize") ?? "0", -1),
    packed: packed ? "zlib" : undefined,
    ...(packed && fields.get("CompressedDataSize") !== undefined && (files?.length ?? 1) === 1
      ? { packedSize: fields.integer("CompressedDataSize", fields.need("CompressedDataSize"), 1) }
      : {}),
  };
  let data: Volume["data"];
  if (fields.get("BinaryData") === undefined || flag(fields, "BinaryData")) {
    const { bytes, extra } = await dataBytes(source, place, size, settings);
    if (extra > 0) notes.push(`${extra} bytes behind the voxels are ignored`);
    data = await numbersOf(type, bytes, flag(fields, "BinaryDataByteOrderMSB", "ElementByteOrderMSB"));
  } else {
    if (packed) throw fields.fail("CompressedData", "text that is packed is not read");
    const parsed = await parseNumbers(type, await dataText(source, place, settings), size / width);
    if (typeof parsed === "string") throw new FormatError(path, "data", parsed);
    data = parsed;
  }
  const channels = inner * outer;
  if (inner > 1 && outer > 1)
    throw fields.fail("NDims", "a fourth axis of voxels with several channels is not read");
  const slope = fields.get("ElementToIntensityFunctionSlope");
  const inter = fields.get("ElementToIntensityFunctionOffset");
  const scaled = {
    slope: fields.numbers("ElementToIntensityFunctionSlope", slope ?? "1", 1)[0]!,
    inter: fields.numbers("ElementToIntensityFunctionOffset", inter ?? "0", 1)[0]!,
  };
  return {
    format: "MetaImage",
    type,
    data: inner > 1 ? await channelsLast(data, 1, inner) : data,
    ...grid,
    ...(channels > 1 ? { channels } : {}),
    units,
    ...(scaled.slope !== 1 || scaled.inter !== 0 ? { scaled } : {}),
    notes,
  };
}

export const metaImageReader: VolumeReader = {
  name: "MetaImage",
  sniff(bytes, path) {
    const start = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
    if (/^\s*(ObjectType|NDims|Comment)\s*[=:]/.test(start)) return "magic";
    return hasEnding(path, [".mha", ".mhd"]) ? "ending" : undefined;
  },
  read: readMetaImage,
};
