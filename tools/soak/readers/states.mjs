// States of every metric, restored and computed.
import { crc32 } from "node:zlib";
import { core } from "../dist.mjs";
import { mutatedJson } from "../json.mjs";
import { mutated } from "../mutate.mjs";

const probs = core.tensor(
  "float32",
  Float32Array.of(0.7, 0.2, 0.1, 0.9, 0.2, 0.7, 0.1, 0.05, 0.1, 0.1, 0.8, 0.05),
  [1, 3, 2, 2],
);
const labels = core.tensor("uint8", Uint8Array.of(0, 1, 2, 0), [1, 2, 2]);

/** Every exported class with `restore`, including future ones. */
const classes = Object.values(core).filter(
  (value) => typeof value === "function" && typeof value.restore === "function",
);
const options = [
  { classes: 3 },
  { classes: 3, ignore: 2 },
  { classes: 3, bins: 4, of: "classes" },
  { classes: 3, spacing: [1, 2], tolerance: 2 },
];

const states = [];
for (const Metric of classes) {
  for (const option of options) {
    try {
      const metric = new Metric(option);
      await metric.update(probs, labels);
      states.push({ Metric, state: metric.state() });
    } catch {
      // Not an option of this metric.
    }
  }
}
const seeds = states.map(({ state }) => state);

// As packages/core/src/metrics/metric-state.ts lays a state out: 16 bytes, with the header's length at 8 and
// the CRC-32 of all other bytes at 12, then the header and the sums.
function parts(state) {
  const start = 16 + Buffer.from(state.buffer, state.byteOffset).readUInt32LE(8);
  return { header: Buffer.from(state.subarray(16, start)), sums: state.subarray(start) };
}

/** Makes a state of such a header and sums, its lengths and checksum right. */
function whole(header, sums) {
  const padded = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, " ")]);
  const bytes = Buffer.concat([seeds[0].subarray(0, 16), padded, sums]);
  bytes.writeUInt32LE(padded.length, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), 12);
  return new Uint8Array(bytes);
}

export const stateTarget = {
  name: "state",
  kind: "state",
  share: 0.1,
  rate: 20000,
  make(random) {
    const seed = random.pick(seeds);
    if (random.oneIn(3)) return mutated(seed, random, seeds);
    const { header, sums } = parts(seed);
    if (random.oneIn(3)) return whole(header, mutated(sums, random, seeds));
    return whole(Buffer.from(JSON.stringify(mutatedJson(JSON.parse(header), random)) ?? ""), sums);
  },
  run(bytes) {
    // The state names its class; if the name is damaged, all classes are tried.
    const text = Buffer.from(bytes).toString("latin1");
    const named = classes.filter(({ name }) => text.includes(`"${name}"`));
    let refused;
    for (const Metric of named.length > 0 ? named : classes) {
      try {
        Metric.restore(bytes).compute();
      } catch (error) {
        if (error?.constructor?.name !== "InvalidArgumentError") throw error;
        refused = error;
      }
    }
    if (refused) throw refused;
  },
};
