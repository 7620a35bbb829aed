// Prints the median seconds of predictions and training steps of both reference networks on a device, as one
// JSON object.
//   node benchmarks/gpu/networks.mjs webgpu|cuda|cpu
import { crossEntropy } from "@pixelcal/losses";
import { adamW, Trainer } from "@pixelcal/train";
import { batch, networks } from "../reference-networks.mjs";

const [device] = process.argv.slice(2);

async function seconds(run) {
  const found = [];
  // The first ones compile.
  for (let i = 0; i < 12; i++) {
    const begun = performance.now();
    await run();
    found.push((performance.now() - begun) / 1000);
  }
  return found.slice(2).toSorted((a, b) => a - b)[5];
}

const results = {};
for (const [name, { dims, model }] of Object.entries(networks)) {
  const data = batch(dims);
  const trainer = await Trainer.create({
    model: model(),
    loss: crossEntropy(),
    optimizer: adamW(),
    batch: dims,
    device,
  });
  results[name] = {
    step: await seconds(() => trainer.step(data)),
    predict: await seconds(() => trainer.predict(data.images)),
  };
  await trainer.close();
}
console.log(JSON.stringify(results));
