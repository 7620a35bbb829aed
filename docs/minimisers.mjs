// Draws docs/minimisers.svg, and prints the table of docs/losses.md: node docs/minimisers.mjs. The question:
// which prediction does a loss ask for where the label is uncertain? A bar of 12 pixels lies in a row of 56,
// at one of 32 equally likely places (quantiles of a normal distribution, 2 pixels wide); the truth is the
// share eta of places that cover a pixel. Gradient descent finds the prediction whose expected loss over the
// 32 label maps is least; the picture shows how far it is from eta.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tensor } from "../packages/core/dist/index.js";
import { formatMarkdown } from "../packages/evaluate/dist/index.js";
import { Graph, gradients, lower, ops } from "../packages/graph/dist/index.js";
import { lossFromConfig } from "../packages/losses/dist/index.js";
import { createSession } from "../packages/train/dist/index.js";

const [places, height, width, bar] = [32, 9, 56, 12];
const sdc = (preset, options = {}) => ({ name: "signedDistanceCalibration", preset, ...options });
const panels = [
  ["CE", { name: "crossEntropy" }],
  ["CE, weights 1 and 3", { name: "crossEntropy", classWeights: [1, 3] }],
  ["Dice + CE", { name: "diceCrossEntropy" }],
  ["Dice 0.25 + CE", { name: "diceCrossEntropy", diceWeight: 0.25 }],
  ["SDC reference", sdc("reference")],
  ["SDC consistent", sdc("consistent")],
  ["SDC proper", sdc("proper")],
  ["SDC proper, no Dice", sdc("proper", { dice: 0 })],
  ["SVLS", { name: "svls" }],
  ["NACL", { name: "nacl" }],
  ["MbLS", { name: "mbls" }],
  ["Label smoothing", { name: "labelSmoothing" }],
  ["ECP", { name: "entropyPenalty" }],
  ["Focal", { name: "focal" }],
  ["FCL", { name: "focalCalibration" }],
  ["Dual focal", { name: "dualFocal" }],
  ["MEEP", { name: "meep" }],
  ["mL1-ACE", { name: "l1Ace" }],
  ["MDCA", { name: "mdca" }],
  ["Tversky", { name: "tversky" }],
  ["DSC++", { name: "dicePlusPlus" }],
  ["Unified focal", { name: "unifiedFocal" }],
  ["Boundary uncertainty", { name: "boundaryUncertainty" }],
  ["Hausdorff", { name: "hausdorff" }],
];

/** The quantile of the standard normal distribution, by bisection of its integral. */
function quantile(share) {
  const below = (x) => {
    let sum = 0;
    for (let i = 0; i < 4000; i++) sum += Math.exp(-((-8 + ((x + 8) * (i + 0.5)) / 4000) ** 2) / 2);
    return (sum * (x + 8)) / 4000 / Math.sqrt(2 * Math.PI);
  };
  let [low, high] = [-6, 6];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (below(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}

const starts = Array.from({ length: places }, (_, k) => Math.round(22 + 2 * quantile((k + 0.5) / places)));
const covers = (start, x) => x >= start && x < start + bar;
const eta = Float64Array.from(
  { length: width },
  (_, x) => starts.filter((start) => covers(start, x)).length / places,
);
const labels = tensor(
  "uint8",
  Uint8Array.from({ length: places * height * width }, (_, i) =>
    covers(starts[Math.floor(i / (height * width))], i % width) ? 1 : 0,
  ),
  [places, height, width],
);

/** Returns a session of a loss and its gradient at logits [2, width], the same in every row and place. */
async function open(loss, targets) {
  const graph = new Graph("expected");
  const z = graph.input("z", "float32", [1, 2, 1, width]);
  const logits = ops.Expand(z, [places, 2, height, width]);
  const inputs = Object.fromEntries(
    Object.entries(targets).map(([name, { type, dims }]) => [
      name,
      graph.input(`target.${name}`, type, dims),
    ]),
  );
  const built = loss.build(logits, inputs);
  graph.output("loss", built.loss);
  graph.output("gradient", gradients(built.loss, [z])[0]);
  const session = await createSession(lower(graph, { device: "cpu" }), { device: "cpu", threads: 1 });
  const feeds = Object.fromEntries(Object.entries(targets).map(([name, value]) => [`target.${name}`, value]));
  return { session, at: (data) => session.run({ ...feeds, z: tensor("float32", data, [1, 2, 1, width]) }) };
}

/** Returns the foreground probabilities, along the row, of the least expected loss: AdamW without decay. */
async function minimiser(config) {
  const loss = lossFromConfig(config);
  const { session, at } = await open(loss, await loss.targets(labels, { classes: 2 }));
  const z = Float32Array.from({ length: 2 * width }, (_, i) => {
    const p = Math.min(0.99, Math.max(0.01, eta[i % width]));
    return i < width ? 0 : Math.log(p / (1 - p));
  });
  const [mean, square] = [new Float64Array(z.length), new Float64Array(z.length)];
  const steps = 3000;
  for (let step = 1; step <= steps; step++) {
    const { gradient } = await at(z);
    const rate = 0.1 * (1 - step / (steps + 1));
    for (const [i, g] of gradient.data.entries()) {
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      square[i] = 0.999 * square[i] + 0.001 * g * g;
      const corrected = mean[i] / (1 - 0.9 ** step);
      z[i] -= (rate * corrected) / (Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-12);
    }
  }
  await session.close();
  return Float64Array.from({ length: width }, (_, x) => 1 / (1 + Math.exp(z[x] - z[width + x])));
}

// The left border of the bar, where eta rises from 0 to 1, and one pixel beyond it on both sides.
const border = [...eta.keys()].filter((x) => x <= 22 + bar / 2 && eta[x] > 0 && eta[x] < 1);
const shown = [border[0] - 1, ...border, border.at(-1) + 1];
const rows = [];
for (const [title, config] of panels) {
  const p = await minimiser(config);
  const apart = Float64Array.from(p, (value, x) => value - eta[x]);
  const worst = border.map((x) => apart[x]).reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  // The slope of logit p over logit eta at the border: 1 is calibrated, above 1 over-confident.
  const logit = (value) => Math.log(value / (1 - value));
  const inner = border.filter((x) => p[x] > 1e-6 && p[x] < 1 - 1e-6);
  const squares = inner.map((x) => logit(eta[x]) ** 2).reduce((a, b) => a + b, 0);
  const products = inner.map((x) => logit(eta[x]) * logit(p[x])).reduce((a, b) => a + b, 0);
  rows.push({ title, apart, worst, slope: products / squares });
}
process.stdout.write(
  formatMarkdown(rows, [
    { title: "loss", align: "left", cell: ({ title }) => title },
    { title: "largest p* - eta", cell: ({ worst }) => `${worst < 0 ? "" : "+"}${worst.toFixed(3)}` },
    { title: "slope", cell: ({ slope }) => (slope > 20 ? "> 20" : slope.toFixed(2)) },
  ]),
);

const [columns, side, gap, top] = [6, 120, 24, 34];
const place = (k) => [gap + (k % columns) * (side + gap), top + Math.floor(k / columns) * (side + top)];
const text = (x, y, size, words, anchor = "start") =>
  `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}">${words}</text>`;
const parts = rows.flatMap(({ title, apart }, k) => {
  const [left, above] = place(k);
  const x = (value) => (left + side * value).toFixed(1);
  const y = (value) => (above + side * (0.5 - Math.max(-0.5, Math.min(0.5, value)))).toFixed(1);
  const line = shown.map((at) => `${x(eta[at])},${y(apart[at])}`).join(" ");
  return [
    text(left, above - 6, 11, title),
    `<rect x="${left}" y="${above}" width="${side}" height="${side}" fill="none" stroke="#999"/>`,
    `<line x1="${left}" x2="${left + side}" y1="${y(0)}" y2="${y(0)}" stroke="#bbb"/>`,
    `<polyline points="${line}" fill="none" stroke="#0072b2" stroke-width="2"/>`,
  ];
});
const full = [gap + columns * (side + gap), top + Math.ceil(rows.length / columns) * (side + top) + 20];
const caption =
  "p* - eta from -0.5 to 0.5 against eta from 0 to 1; on the grey line the loss asks for the truth";
const svg = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${full.join(" ")}" font-family="sans-serif">`,
  "<title>How far the minimiser of each loss is from the truth</title>",
  `<rect width="100%" height="100%" fill="#fff"/>`,
  ...parts,
  text(gap, full[1] - 12, 12, caption),
  "</svg>",
];
writeFileSync(join(fileURLToPath(new URL(".", import.meta.url)), "minimisers.svg"), `${svg.join("\n")}\n`);
