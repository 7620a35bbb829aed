// The kernels through the library on arrays of more than 2^31 elements: `npm run test:large` runs it after
// the C++ tests of such sizes. Needs 11 GiB. Arrays of zeros, which most of these are, take no memory until
// they are written.
import assert from "node:assert/strict";
import {
  calibrationBins,
  distanceTransform,
  expectedCalibrationError,
  morphology,
  packMask,
  tensor,
  unpackMask,
} from "../dist/index.js";

const dims = [1, 1291, 1291, 1289];
const count = dims.reduce((product, dim) => product * dim, 1);
assert(count > 2 ** 31);
const at = (z, y, x) => (z * dims[2] + y) * dims[3] + x;
const corner = [1285, 1286, 1287];

function mask(value, others) {
  const data = new Uint8Array(count);
  if (others !== 0) data.fill(others);
  data[at(...corner)] = value;
  return tensor("uint8", data, dims);
}

function assertCube({ data }) {
  const [z, y, x] = corner;
  const [first, last] = [at(z - 1, y - 1, x - 1), at(z + 1, y + 1, x + 1)];
  assert.deepEqual([data.indexOf(1), data.lastIndexOf(1)], [first, last]);
  const near = data.subarray(first, last + 1);
  assert.equal(
    near.reduce((sum, pixel) => sum + pixel, 0),
    27,
  );
}

const cases = {
  "morphology of bytes": async () => {
    assertCube(await morphology(mask(1, 0), { op: "dilation" }));
  },
  "morphology of packed masks": async () => {
    assertCube(await unpackMask(await morphology(await packMask(mask(1, 0)), { op: "dilation" })));
  },
  "distance transform": async () => {
    const { data } = await distanceTransform(mask(0, 1));
    for (const place of [[0, 0, 0], corner, [1290, 1290, 1288], [700, 3, 1100]]) {
      const expected = Math.fround(Math.hypot(...place.map((p, axis) => p - corner[axis])));
      assert.equal(data[at(...place)], expected, `${place}`);
    }
  },
  "calibration bins of float16": async () => {
    const probs = tensor("float16", new Uint16Array(count), [1, 1, ...dims.slice(1)]);
    const bins = await calibrationBins(probs, tensor("uint8", new Uint8Array(count), dims));
    assert.deepEqual([bins.total[0], bins.count[9], bins.accuracySum[9]], [count, count, 0]);
    assert.equal(expectedCalibrationError(bins), 1);
  },
};

for (const [name, run] of Object.entries(cases)) {
  const start = performance.now();
  await run();
  const gibibytes = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(1);
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${gibibytes} GiB so far`);
  globalThis.gc?.();
}
console.log(`${Object.keys(cases).length} passed`);
