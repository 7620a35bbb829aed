// NPY, NPZ and pickles beside the facts of numpy and of Python's pickle.
import { readNpy, readNpz, readPickle } from "../../packages/io/dist/index.js";

const types = { f2: "float16", f4: "float32", f8: "float64", b1: "bool" };
for (const size of [1, 2, 4, 8])
  Object.assign(types, { [`i${size}`]: `int${8 * size}`, [`u${size}`]: `uint${8 * size}` });

function checkTensor({ type, dims, data }, { dims: sizes, dtype, sha256 }, facts) {
  facts.equal("shape", [...dims], sizes);
  facts.equal("type", type, types[dtype.slice(1)]);
  facts.hash("values", data, sha256);
}

/** Compares an NPY file. */
export async function checkArray(path, manifest, facts) {
  if (manifest.error !== undefined) return facts.refuses(() => readNpy(path));
  checkTensor(await readNpy(path), manifest, facts);
}

/** Compares the arrays of an NPZ archive. */
export async function checkArchive(path, { arrays }, facts) {
  for (const [name, manifest] of Object.entries(arrays)) {
    const key = name.replace(/\.npy$/, "");
    if (manifest.error !== undefined) await facts.refuses(() => readNpz(path, { keys: [key] }));
    else checkTensor((await readNpz(path, { keys: [key] }))[key], manifest, facts);
  }
}

/** Compares the content of a pickle that nnU-Net writes beside a case. */
export async function checkPickle(path, { content }, facts) {
  facts.equal("content", asJson(await readPickle(path)), content);
}

const asJson = (value) =>
  value instanceof Map ? Object.fromEntries([...value].map(([key, item]) => [key, asJson(item)])) : value;
