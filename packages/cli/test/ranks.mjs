// A process of the tests' training jobs: does what its arguments name, one after the other, with the built
// packages, and prints a line of JSON for each, rank first.
import { tensor } from "@pixelcal/core";
import { World } from "@pixelcal/distributed";
import { crossEntropy } from "@pixelcal/losses";
import { adamW, Trainer, unet2d } from "@pixelcal/train";

let what;
const world = World.open();
const { rank, size } = world;
const say = (value) => process.stdout.write(`${JSON.stringify({ rank, what, value })}\n`);

const cases = 5;
const pixels = 16 * 16;
const images = Float32Array.from({ length: cases * pixels }, (_, i) => Math.sin(i * 0.37) + (i % 11) / 11);
const labels = Int32Array.from({ length: cases * pixels }, (_, i) => Math.floor(i / 40) % 3);

/** Returns the images [begin, end) of the batch. */
const part = (begin, end) => ({
  images: tensor("float32", images.slice(begin * pixels, end * pixels), [end - begin, 1, 16, 16]),
  labels: tensor("int32", labels.slice(begin * pixels, end * pixels), [end - begin, 16, 16]),
});
/** The shares of the ranks: uneven, and none for the last rank of four. */
const shares = { 1: [5], 2: [2, 3], 3: [1, 3, 1], 4: [1, 3, 1, 0] }[size];
const begin = shares.slice(0, rank).reduce((sum, share) => sum + share, 0);
const own = () =>
  size === 1
    ? part(0, cases)
    : { ...(shares[rank] === 0 ? part(0, 1) : part(begin, begin + shares[rank])), shares };

const trainerOf = (options) =>
  Trainer.create({
    model: unet2d({ classes: 3, base: 4 }),
    loss: crossEntropy(),
    optimizer: adamW({ learningRate: 1e-3 }),
    batchNorm: "frozen",
    seed: 3,
    threads: 1,
    ...options,
  });
const together = (options) => trainerOf({ ...options, batch: own().images.dims, exchange: world });
const alone = (options) => trainerOf({ ...options, batch: [cases, 1, 16, 16] });

/** Returns the norm of the difference of named arrays by the norm of the second. */
const relative = (a, b) => {
  let [difference, norm] = [0, 0];
  for (const [name, { data }] of Object.entries(b)) {
    for (const [i, value] of data.entries()) {
      difference += (a[name].data[i] - value) ** 2;
      norm += value ** 2;
    }
  }
  return Math.sqrt(difference / norm);
};

const programs = {
  async gradients() {
    const [shared, single] = [await together(), await alone()];
    const [mine, expected] = [await shared.gradients(own()), await single.gradients(part(0, cases))];
    say(relative(mine, expected));
  },
  // Two updates with each option that looks at the whole gradient or at several batches.
  async options() {
    const found = [];
    for (const options of [{ clipNorm: 0.05 }, { accumulate: 2 }, { ema: 0.9 }, { batchNorm: "update" }]) {
      const [shared, single] = [await together(options), await alone(options)];
      const results = [];
      for (let step = 0; step < 4; step++)
        results.push([await shared.step(own()), await single.step(part(0, cases))]);
      const [a, b] = results.at(-1);
      found.push([
        relative(shared.weights(), single.weights()),
        Math.abs(a.loss / b.loss - 1),
        Math.abs(a.gradientNorm / b.gradientNorm - 1),
        results[0][0].gradientNorm === undefined,
      ]);
    }
    say(found);
  },
  async curve() {
    const [shared, single] = [await together(), await alone()];
    let largest = 0;
    for (let step = 0; step < 20; step++) {
      const [a, b] = [await shared.step(own()), await single.step(part(0, cases))];
      largest = Math.max(largest, Math.abs(a.loss / b.loss - 1));
    }
    say(largest);
  },
  async statistics() {
    const shared = await together({ batchNorm: "update" });
    const before = structuredClone(shared.buffers);
    // Its own share alone, by the rule that every rank's statistics take part by its images.
    const single = await trainerOf({ batchNorm: "update", batch: own().images.dims });
    const { shares: _, ...mine } = own();
    await single.step(mine);
    await shared.step(own());
    const weighted = Object.fromEntries(
      Object.entries(single.buffers).map(([name, { data }]) => [name, Float64Array.from(data)]),
    );
    await world.allReduce(Object.values(weighted), { op: "mean", weights: shares });
    const expected = Object.fromEntries(Object.entries(weighted).map(([name, data]) => [name, { data }]));
    say([relative(shared.buffers, expected), relative(shared.buffers, before)]);
  },
  // A loss that is no number on one rank is an error of all, at the same step.
  async diverges() {
    const shared = await together();
    const batch = own();
    if (rank === size - 1) batch.images.data[0] = Number.NaN;
    const error = await shared.step(batch).catch((caught) => caught);
    say(`${error.code}: ${error.message}`);
  },
  async refuses() {
    const shared = await together();
    const { shares: _, ...whole } = own();
    const error = await shared.step(whole).catch((caught) => caught);
    say(error.message);
  },
};
for (what of process.argv.slice(2)) await programs[what]();
await world.close();
