// Configurations: YAML and JSON, as `pixelcal train --config` reads them.
import { readConfig } from "../dist.mjs";
import { mutatedJson } from "../json.mjs";
import { mutated, text } from "../mutate.mjs";
import { scratch } from "./scratch.mjs";

const read = await readConfig();

const seeds = [
  `method: sdc # a comment
dataset: { root: data }
model: { arch: unet2d, in_channels: 1, num_classes: 4, base: 16 }
batch_size: 4
epochs: 20
optim: { lr: 1.0e-3, weight_decay: 1.0e-2 }
sdc: { alpha: 0.1, lam_sdf: 0.1, sam_morph: gradient, sam_kernel: mean, sdf_scale: 100.0 }
`,
  `method: nacl
preset: consistent
dataset:
  root: data
model:
  onnx: model.onnx
  outputs: { logits: 1, deep: 0.4 }
  class_axis: -1
epochs: 10
optim:
  lr: 1.0e-4
  groups:
    - { match: "encoder*", lr: 1.0e-5 }
trainable: { exclude: ["*.bias"] }
batch_norm: frozen
`,
  `seed: 3
loss: { name: dice, preset: original }
dataset: &data { root: data }
augment: { flips: true, rotations: false }
model: { arch: unet3d, in_channels: 1, num_classes: 2, base: 8 }
batch_size: 2
epochs: 3
optim: { lr: 0.1 }
scheduler: { type: cosine, warmup: 1, minimum: 1e-6 }
accumulate: 2
clip_norm: 1
ema: 0.99
patience: 3
device: cpu
threads: 1
`,
  `{"method":"fl","dataset":{"root":"d"},"model":{"arch":"unet2d","num_classes":3},"epochs":2,"optim":{"lr":1}}`,
  `a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nmethod: dicece\nepochs: *b\n`,
].map((seed) => new Uint8Array(Buffer.from(seed)));

// The first texts again as parsed values, so that mutations keep them well-formed.
const { parse } = await import(
  new URL("../../../packages/cli/node_modules/yaml/dist/index.js", import.meta.url).href
);
const values = seeds.slice(0, 4).map((seed) => parse(Buffer.from(seed).toString()));
const structured = (_, random) =>
  new Uint8Array(Buffer.from(JSON.stringify(mutatedJson(random.pick(values), random), null, 1) ?? ""));

/** Moves and re-indents lines, as people do by mistake. */
function lines(bytes, random) {
  const list = Buffer.from(bytes).toString("utf8").split("\n");
  const place = random.integer(list.length);
  const [line] = list.splice(place, 1);
  const changed = random.pick([
    `  ${line}`,
    line.trimStart(),
    `\t${line}`,
    `- ${line}`,
    `${line}${line}`,
    `? ${line}`,
  ]);
  list.splice(random.integer(list.length + 1), 0, changed);
  return new Uint8Array(Buffer.from(list.join("\n")));
}

export const configTarget = {
  name: "config",
  kind: "config",
  share: 0.1,
  rate: 800,
  make(random) {
    const seed = random.pick(seeds);
    return random.pick([mutated, text, lines, structured, structured])(seed, random, seeds);
  },
  run: (bytes) => read(scratch(bytes.length % 2 ? "c.yaml" : "c.json", bytes)),
};
