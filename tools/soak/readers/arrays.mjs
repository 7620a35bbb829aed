// NPY, NPZ, safetensors and pickles: from bytes and, in one of eight cases, from a file.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { core, io } from "../dist.mjs";
import { mutatedJson } from "../json.mjs";
import { concat, mutated, splice, words } from "../mutate.mjs";
import { npzOracle, safetensorsOracle } from "../oracles/archives.mjs";
import { judged } from "../oracles/judge.mjs";
import { npyOracle } from "../oracles/npy.mjs";
import { archive, lyingArchive } from "../zip.mjs";
import { scratch } from "./scratch.mjs";

const { tensor } = core;
const tensors = [
  tensor("float32", Float32Array.from({ length: 24 }, Math.sin), [2, 3, 4]),
  tensor(
    "uint8",
    Uint8Array.from({ length: 12 }, (_, i) => i % 4),
    [3, 4],
  ),
  tensor(
    "int64",
    BigInt64Array.from({ length: 6 }, (_, i) => BigInt(i)),
    [6],
  ),
  tensor("float64", Float64Array.of(1.25, 1.25), [2]),
  tensor("int16", Int16Array.of(-3), []),
  tensor("float32", new Float32Array(0), [0, 5]),
];

const npy = tensors.map((value) => concat(...io.encodeNpy(value)));
// Forms that NumPy also writes: Fortran order, big-endian numbers, version 2.
const edited = (bytes, from, to) =>
  new Uint8Array(Buffer.from(Buffer.from(bytes).toString("latin1").replace(from, to), "latin1"));
npy.push(edited(npy[0], "False", "True "), edited(npy[3], "<f8", ">f8"), edited(npy[1], "|u1", "|b1"));
npy.push(
  concat(
    Uint8Array.of(0x93, 78, 85, 77, 80, 89, 2, 0),
    npy[0].subarray(8, 10),
    new Uint8Array(2),
    npy[0].subarray(10),
  ),
);

const useFile = (bytes) => bytes.length % 8 === 0;

export const npyTarget = {
  name: "npy",
  kind: "npy",
  share: 0.089,
  rate: 7000,
  make: (random) => mutated(random.pick(npy), random, npy),
  run: judged(
    (bytes) =>
      useFile(bytes) ? io.readNpy(scratch("a.npy", bytes)) : io.decodeNpy(bytes, { path: "a.npy" }),
    npyOracle,
  ),
};

const names = ["image", "label", "probs", "spacing"];
const entries = (stored) => names.map((name, i) => ({ name: `${name}.npy`, bytes: npy[i], stored }));
const prediction = await io.encodeNpz({
  probs: tensor("float32", Float32Array.of(0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0), [2, 2, 2]),
  label: tensor("int64", BigInt64Array.of(0n, 1n, 1n, 0n), [2, 2]),
  spacing: tensor("float64", Float64Array.of(1, 2), [2]),
});
const archives = [
  new Uint8Array(prediction),
  archive(entries(true)),
  archive(entries(false)),
  archive(entries(false).slice(0, 1)),
  archive([]),
];

// Damage inside an array gets a right checksum; otherwise every such file would fail at the checksum.
function inside(random) {
  const list = entries(random.oneIn(2));
  const place = random.integer(list.length);
  const damaged = { ...list[place], bytes: mutated(list[place].bytes, random, npy) };
  if (random.oneIn(8)) damaged.name = `${random.pick(words)}.npy`;
  return archive(list.with(place, damaged));
}

export const npzTarget = {
  name: "npz",
  kind: "npz",
  share: 0.1,
  rate: 900,
  make: (random) =>
    random.pick([
      () => mutated(random.pick(archives), random, archives),
      () => inside(random),
      () => lyingArchive(entries(random.oneIn(2)).slice(random.integer(3)), random),
    ])(),
  run: judged(async (bytes) => {
    if (!useFile(bytes)) return bytes.length % 3 === 0 ? io.readPrediction(bytes) : io.readNpz(bytes);
    const path = scratch("a.npz", bytes);
    return bytes.length % 16 === 0 ? io.readNpz(path) : io.readPrediction(path);
  }, npzOracle),
};

const encoded = (content) => concat(...io.encodeSafetensors(content));
const named = Object.fromEntries(tensors.map((value, i) => [`layer.${i}`, value]));
const files = [
  encoded({ tensors: named, metadata: { format: "pt" } }),
  encoded({ tensors: { w: tensors[0] }, metadata: {} }),
  encoded({ tensors: {}, metadata: { a: "b" } }),
  concat(...io.encodeSafetensors({ tensors: named, metadata: { a: "b" } }, { checksum: true })),
];

/** Returns safetensors bytes with another header and the right length before it. */
export function withHeader(bytes, header) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return concat(length, header, bytes.subarray(8 + headerLength(bytes)));
}
const headerLength = (bytes) => Number(Buffer.from(bytes.buffer, bytes.byteOffset).readBigUInt64LE());
export const headerOf = (bytes) => bytes.subarray(8, 8 + headerLength(bytes));

/**
 * Damages a safetensors file in its header, its length or anywhere. `change` takes and gives the header as
 * JSON. Most files with a checksum get the right one, so that not all damage ends there.
 */
export function mutatedSafetensors(bytes, random, seeds, change = mutatedJson) {
  const damaged = damagedSafetensors(bytes, random, seeds, change);
  return random.oneIn(5) ? damaged : resealed(damaged);
}

function damagedSafetensors(bytes, random, seeds, change) {
  if (random.oneIn(4)) return mutated(bytes, random, seeds);
  const old = Buffer.from(headerOf(bytes));
  const header = random.oneIn(4)
    ? mutated(old, random, seeds.map(headerOf))
    : Buffer.from(JSON.stringify(change(JSON.parse(old), random)) ?? "");
  const result = withHeader(bytes, header);
  return random.oneIn(12) ? splice(result, result.length - 4, 4) : result;
}

/**
 * Returns the file with the SHA-256 that its metadata should have: of all bytes, zeros in the place of the
 * checksum.
 */
function resealed(bytes) {
  const key = '"pixelcal-sha256":"';
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(key) + key.length;
  if (at < key.length || copy.length < at + 64) return bytes;
  copy.fill("0", at, at + 64);
  copy.write(createHash("sha256").update(copy).digest("hex"), at);
  return new Uint8Array(copy);
}

export const safetensorsTarget = {
  name: "safetensors",
  kind: "safetensors",
  share: 0.1,
  rate: 3900,
  make: (random) => mutatedSafetensors(random.pick(files), random, files),
  run: judged(
    (bytes) =>
      useFile(bytes)
        ? io.readSafetensors(scratch("a.safetensors", bytes))
        : io.decodeSafetensors(bytes, "a.safetensors"),
    safetensorsOracle,
  ),
};

const pickles = [3, 4, 5].map((protocol) => {
  const path = new URL(`../../../packages/io/test/golden/properties-${protocol}.pkl`, import.meta.url);
  return new Uint8Array(readFileSync(path));
});

export const pickleTarget = {
  name: "pickle",
  kind: "npz",
  share: 0.01,
  rate: 7000,
  make: (random) => mutated(random.pick(pickles), random, pickles),
  run: (bytes) => io.readPickle(bytes),
};

// The seeds are read undamaged first: what the oracles compare with must be in them.
npzOracle(Buffer.from(prediction), await io.readPrediction(prediction));
for (const bytes of archives) npzOracle(Buffer.from(bytes), await io.readNpz(bytes));
for (const bytes of files) await safetensorsTarget.run(bytes);
