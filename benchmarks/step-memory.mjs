// The memory of a training step beside the estimate of `prepare`: plans for made-up cases, of which each
// trains one step in a process of its own.
//
//   node benchmarks/step-memory.mjs [--memory 1] [--only NAME]
import { parseArgs } from "node:util";
import { measureStep, planFor } from "@pixelcal/train";

const { values } = parseArgs({
  options: { memory: { type: "string", default: "1" }, only: { type: "string" } },
});
const memory = Number(values.memory) * 2 ** 30;
const base = 16;

const cases = {
  isotropic: { size: [300, 512, 512], spacing: [1, 1, 1], classes: 3 },
  "isotropic, 4 channels": { size: [155, 240, 240], spacing: [1, 1, 1], classes: 4, channels: 4 },
  "isotropic, 20 classes": { size: [300, 512, 512], spacing: [1, 1, 1], classes: 20 },
  anisotropic: { size: [20, 512, 512], spacing: [5, 0.7, 0.7], classes: 4 },
  images: { size: [2000, 2000], spacing: [1, 1], classes: 3 },
  "images, 20 classes": { size: [2000, 2000], spacing: [1, 1], classes: 20, channels: 3 },
};

console.log("| cases | batch | step (GiB) | of the estimate | seconds |\n|---|---|---|---|---|");
for (const [name, { size, spacing, classes, channels = 1 }] of Object.entries(cases)) {
  if (values.only !== undefined && values.only !== name) continue;
  const plan = planFor({ sizes: [size], spacings: [spacing] }, { memory, base, classes });
  const { network, patch, batch, stages } = plan;
  const model = {
    arch: `${network}${size.length}d`,
    in_channels: channels,
    num_classes: classes,
    base,
    ...stages,
  };
  const config = {
    loss: { name: "diceCrossEntropy" },
    dataset: { root: "." },
    patches: { size: patch },
    model,
  };
  const begun = performance.now();
  const bytes = await measureStep(config, [batch, channels, ...patch]);
  const seconds = (performance.now() - begun) / 1000;
  // Patches are coarse, so the plan's own estimate is below the budget.
  const held = network === "plain" ? 28 * base + 13 * classes : 24 * base + 5 * classes;
  const estimate = 4 * held * batch * patch.reduce((a, b) => a * b, 1);
  const row = [
    name,
    `${batch} x ${patch.join(" x ")}`,
    (bytes / 2 ** 30).toFixed(2),
    (bytes / estimate).toFixed(2),
    seconds.toFixed(0),
  ];
  console.log(`| ${row.join(" | ")} |`);
}
