// States of every metric, restored and computed.
import { core } from "../dist.mjs";
import { mutated, text } from "../mutate.mjs";

const probs = core.tensor(
  "float32",
  Float32Array.of(0.7, 0.2, 0.1, 0.9, 0.2, 0.7, 0.1, 0.05, 0.1, 0.1, 0.8, 0.05),
  [1, 3, 2, 2],
);
const labels = core.tensor("uint8", Uint8Array.of(0, 1, 2, 0), [1, 2, 2]);

/** Every exported class with `restore`: those of later versions too. */
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

export const stateTarget = {
  name: "state",
  kind: "state",
  share: 0.1,
  rate: 20000,
  make(random) {
    const bytes = random.pick([mutated, mutated, text])(random.pick(seeds), random, seeds);
    return resealed(bytes, random);
  },
  run(bytes) {
    // The state names its class; where it no longer does, all are tried.
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

function resealed(bytes) {
  return bytes;
}
