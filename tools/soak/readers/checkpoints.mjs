// Training checkpoints, read from files as a resumed run does.
import { readFileSync } from "node:fs";
import { core, train } from "../dist.mjs";
import { mutatedJson } from "../json.mjs";
import { mutatedSafetensors } from "./arrays.mjs";
import { scratch } from "./scratch.mjs";

const array = core.tensor("float32", Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
const arrays = { "enc.weight": array, "enc.bias": array };
const state = {
  ...{ updates: 3, epoch: 1, pending: 0, threads: 1 },
  ...{ model: "m", loss: "l", optimizer: "adamw", schedule: "constant", device: "cpu", runtime: "r" },
  extra: { epochs: [{ epoch: 1, trainLoss: 0.5 }] },
};

async function written(checkpoint) {
  const path = scratch("c.safetensors", "");
  await train.writeCheckpoint(path, checkpoint);
  return new Uint8Array(readFileSync(path));
}

const slots = { mean: arrays, square: arrays };
const seeds = [
  await written({ model: arrays, slots, accumulated: arrays, averaged: arrays, state }),
  await written({ model: arrays, slots: {}, accumulated: {}, averaged: {}, state }),
];

/** Changes a header, half of the time inside the training state, which is JSON within the JSON. */
function change(header, random) {
  const { __metadata__: metadata } = header;
  if (random.oneIn(2)) return mutatedJson(header, random);
  const state = JSON.stringify(mutatedJson(JSON.parse(metadata.state), random)) ?? "";
  return { ...header, __metadata__: { ...metadata, state } };
}

export const checkpointTarget = {
  name: "checkpoint",
  kind: "checkpoint",
  share: 0.1,
  rate: 2000,
  make: (random) => mutatedSafetensors(random.pick(seeds), random, seeds, change),
  run: (bytes) => train.readCheckpoint(scratch("c.safetensors", bytes)),
};
