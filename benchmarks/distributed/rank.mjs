// A process of a job that distributed.mjs measures; rank 0 prints one line of JSON.
//   rank.mjs step NETWORK IMAGES STEPS    seconds of training steps on a batch of IMAGES for all ranks
//   rank.mjs allreduce REPEATS BYTES...   seconds of exchanges of so many bytes of gradients, by size
import { setThreadCount } from "@pixelcal/core";
import { World } from "@pixelcal/distributed";
import { crossEntropy } from "@pixelcal/losses";
import { adamW, Trainer } from "@pixelcal/train";
import { batch, networks } from "../reference-networks.mjs";

const [what, ...args] = process.argv.slice(2);
const world = World.open();
const { rank, size } = world;

async function timed(count, run) {
  const seconds = [];
  for (let i = 0; i < count; i++) {
    await world.barrier();
    const begun = performance.now();
    await run();
    seconds.push((performance.now() - begun) / 1000);
  }
  return seconds;
}

const tasks = {
  async step(name, images, steps) {
    setThreadCount(1);
    const { dims, model } = networks[name];
    const share = Number(images) / size;
    const data = batch([share, ...dims.slice(1)]);
    const trainer = await Trainer.create({
      model: model(),
      loss: crossEntropy(),
      optimizer: adamW(),
      batch: data.images.dims,
      threads: 1,
      ...(size > 1 && { exchange: world }),
    });
    const step = () => trainer.step(size > 1 ? { ...data, shares: Array(size).fill(share) } : data);
    await step();
    const bytes = Object.values(trainer.parameters).reduce((sum, one) => sum + one.data.byteLength, 0);
    const found = { seconds: await timed(Number(steps), step), bytes };
    await trainer.close();
    return found;
  },
  async allreduce(repeats, ...sizes) {
    const found = [];
    for (const bytes of sizes.map(Number)) {
      // As training does it: in buckets of at most 4 MiB.
      const buckets = [];
      for (let rest = bytes; rest > 0; rest -= 2 ** 22)
        buckets.push([new Float32Array(Math.ceil(Math.min(rest, 2 ** 22) / 4)).fill(rank)]);
      const exchange = async () => {
        for (const bucket of buckets) await world.allReduce(bucket, { op: "mean" });
      };
      await exchange();
      found.push(await timed(Number(repeats), exchange));
    }
    return found;
  },
};
const found = await tasks[what](...args);
if (rank === 0) console.log(JSON.stringify(found));
await world.close();
