// Second, simple decoders of NIfTI, NRRD and MetaImage.
import { gunzipSync, inflateSync } from "node:zlib";
import { arrays, sameValues, valuesOf } from "./judge.mjs";

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
/** Unpacks bytes behind which others may follow. */
const gunzip = (bytes) => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);

const niftiTypes = {
  2: "uint8",
  4: "int16",
  8: "int32",
  16: "float32",
  64: "float64",
  128: "uint8",
  256: "int8",
  512: "uint16",
  768: "uint32",
  1024: "int64",
  1280: "uint64",
};

export function niftiOracle(packed, volume) {
  const bytes = gunzip(packed);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = [348, 540].includes(view.getInt32(0, true));
  const first = view.getInt32(0, little) === 348;
  const dim = (i) =>
    first ? view.getInt16(40 + 2 * i, little) : Number(view.getBigInt64(16 + 8 * i, little));
  const sizes = Array.from({ length: dim(0) }, (_, i) => dim(i + 1));
  const code = view.getInt16(first ? 70 : 12, little);
  const offset = first ? view.getFloat32(108, little) : Number(view.getBigInt64(168, little));
  const all = code === 128 ? [3, ...sizes] : sizes;
  const type = niftiTypes[code];
  const start = offset === 0 ? (first ? 352 : 544) : offset;
  sameValues(volume, {
    type,
    sizes: all,
    values: valuesOf(type, bytes.subarray(start), product(all), little),
  });
}

/** Returns the lines before the first that `ends`, and the offset behind it. */
function linesUntil(bytes, ends) {
  const lines = [];
  let at = 0;
  for (;;) {
    const stop = bytes.indexOf(10, at);
    const line = bytes.toString("latin1", at, stop < 0 ? bytes.length : stop).replace(/\r$/, "");
    at = stop < 0 ? bytes.length : stop + 1;
    lines.push(line);
    if (ends(line) || at >= bytes.length) return { lines, at };
  }
}

const numbersIn = (text, type) => {
  const big = type.endsWith("64") && !type.startsWith("float");
  const number = (word) =>
    /nan/i.test(word)
      ? Number.NaN
      : /inf/i.test(word)
        ? Number.POSITIVE_INFINITY * (word.startsWith("-") ? -1 : 1)
        : Number(word);
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  return arrays[type].from(words, (word) => (big ? BigInt(word.replace("+", "")) : number(word)));
};

const nrrdType = (name) => {
  const words = name.replace(/_t$/, "");
  const known = { float: "float32", double: "float64", uchar: "uint8", "signed char": "int8" };
  if (known[words]) return known[words];
  if (arrays[words]) return words;
  const unsigned = /^u/.test(words);
  const width = /char/.test(words) ? 8 : /short/.test(words) ? 16 : /long/.test(words) ? 64 : 32;
  return `${unsigned ? "u" : ""}int${width}`;
};

export function nrrdOracle(bytes, volume) {
  const { lines, at } = linesUntil(bytes, (line) => line.trim() === "");
  const fields = new Map();
  for (const line of lines.slice(1)) {
    const match = /^([^#:][^:]*):(?!=)(.*)$/s.exec(line);
    if (match) fields.set(match[1].trim().toLowerCase(), match[2].trim());
  }
  if ([...fields.keys()].some((key) => /^data ?file$/.test(key))) return;
  const field = (key) => (fields.get(key) ?? fields.get(key.replace(" ", "")) ?? "").toLowerCase();
  const sizes = field("sizes").split(/\s+/).map(Number);
  const type = nrrdType(field("type"));
  const count = product(sizes);
  const encoding = field("encoding");
  let body = bytes.subarray(at);
  for (let i = Number(field("line skip") || 0); i > 0; i--) body = body.subarray(body.indexOf(10) + 1);
  const skip = Number(field("byte skip") || 0);
  if (/^gz/.test(encoding)) body = gunzipSync(body);
  const size = count * arrays[type].BYTES_PER_ELEMENT;
  body = skip === -1 ? body.subarray(body.length - size) : body.subarray(skip);
  const little = field("endian") !== "big";
  const values = /^(txt|text|ascii)$/.test(encoding)
    ? numbersIn(body.toString("latin1"), type)
    : valuesOf(
        type,
        encoding === "hex" ? Buffer.from(body.toString("latin1").replace(/\s/g, ""), "hex") : body,
        count,
        little,
      );
  sameValues(volume, { type, sizes, values });
}

const metaTypes = {
  CHAR: "int8",
  UCHAR: "uint8",
  SHORT: "int16",
  USHORT: "uint16",
  INT: "int32",
  UINT: "uint32",
  LONG: "int32",
  ULONG: "uint32",
  LONG_LONG: "int64",
  ULONG_LONG: "uint64",
  FLOAT: "float32",
  DOUBLE: "float64",
};

export function metaImageOracle(bytes, volume) {
  const { lines, at } = linesUntil(bytes, (line) => /^\s*ElementDataFile\b/i.test(line));
  const fields = new Map();
  for (const line of lines) {
    const match = /^\s*([^=:]+?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match) fields.set(match[1], match[2]);
  }
  const field = (key) => fields.get(key);
  if (!/^local$/i.test(field("ElementDataFile") ?? "")) return;
  const yes = (key) => /^(true|1|yes)$/i.test(field(key) ?? "");
  const type = metaTypes[field("ElementType").toUpperCase().replace(/^MET_/, "")];
  const inner = Number(field("ElementNumberOfChannels") ?? 1);
  const axes = field("DimSize").split(/\s+/).map(Number);
  const sizes = inner > 1 ? [inner, ...axes] : axes;
  const size = product(sizes) * arrays[type].BYTES_PER_ELEMENT;
  let body = bytes.subarray(at);
  const skip = Number(field("HeaderSize") ?? 0);
  body =
    skip === -1 && !yes("CompressedData")
      ? body.subarray(body.length - size)
      : body.subarray(Math.max(0, skip));
  if (yes("CompressedData")) body = inflateSync(body);
  const binary = field("BinaryData") === undefined || yes("BinaryData");
  const little = !yes("BinaryDataByteOrderMSB") && !yes("ElementByteOrderMSB");
  const values = binary
    ? valuesOf(type, body, product(sizes), little)
    : numbersIn(body.toString("latin1"), type);
  sameValues(volume, { type, sizes, values });
}
