// Draws docs/picture.svg from the output of `npm run demo`: node docs/picture.mjs FOLDER [RUN] [RUN]. Left:
// reliability of the foreground of two runs over all test cases. Right: how far each run's foreground
// probability is from the true one, which phantoms know, in the test case of the first run's median error.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import {
  calibrationBins,
  expectedCalibrationError,
  mergeBins,
  reliability,
} from "../packages/core/dist/index.js";
import { readNpz } from "../packages/io/dist/index.js";

const [folder = "pixelcal-demo", ...named] = process.argv.slice(2);
const runs = [named[0] ?? "dicece", named[1] ?? "proper"];
const titles = { dicece: "Dice + CE", proper: "SDC proper", sdc: "SDC consistent", nacl: "NACL" };
const titleOf = (run) => titles[run] ?? run;
const names = readdirSync(join(folder, "preds", runs[0])).sort();
const colors = ["#b34d00", "#0072b2"]; // Okabe-Ito, the orange darkened for text

/**
 * Returns the foreground probability of every pixel, from probabilities [C, H, W] whose class 0 is the
 * background.
 */
const foreground = ({ data, dims }) => data.subarray(0, dims[1] * dims[2]).map((p) => 1 - p);

async function load(run, name) {
  const { probs, label } = await readNpz(join(folder, "preds", run, name));
  const { truth } = await readNpz(join(folder, "data", "test", name));
  const [true_, p] = [foreground(truth), foreground(probs)];
  return { probs, label, size: probs.dims.slice(1), error: p.map((value, i) => value - true_[i]), true_ };
}

const batch = (tensor) => ({ ...tensor, dims: [1, ...tensor.dims] });

async function binsOf(run) {
  let all;
  for (const name of names) {
    const { probs, label } = await load(run, name);
    const bins = await calibrationBins(batch(probs), batch(label), { bins: 10 });
    all = all === undefined ? bins : mergeBins(all, bins);
  }
  return all;
}

/** Finds the part of one case with the largest errors: a square of `side` pixels and where it begins. */
function window({ error, size: [height, width] }, side) {
  let best = { sum: -1 };
  for (let y = 0; y + side <= height; y += 2) {
    for (let x = 0; x + side <= width; x += 2) {
      let sum = 0;
      for (let i = 0; i < side * side; i++)
        sum += Math.abs(error[(y + Math.floor(i / side)) * width + x + (i % side)]);
      if (sum > best.sum) best = { sum, x, y, side };
    }
  }
  return best;
}

function png(side, colorAt) {
  const rows = Buffer.alloc(side * (1 + 3 * side));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) rows.set(colorAt(x, y), y * (1 + 3 * side) + 1 + 3 * x);
  const word = (value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    return Buffer.concat([word(data.length), body, word(crc32(body))]);
  };
  const header = Buffer.concat([word(side), word(side), Buffer.from([8, 2, 0, 0, 0])]);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts]).toString("base64");
}

/**
 * Returns white at 0, orange where the model is too sure of foreground, blue where it is not sure enough;
 * full at 0.5.
 */
function errorColor(error) {
  const strength = Math.min(1, Math.abs(error) / 0.5);
  const end = error > 0 ? [213, 94, 0] : [0, 114, 178];
  return end.map((channel) => Math.round(255 + (channel - 255) * strength));
}

const scale = 230;
const line = (points) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

const curves = await Promise.all(runs.map(binsOf));
const diagram = curves
  .map((bins, r) => {
    const rows = reliability(bins).filter(({ count }) => count > 0);
    const at = rows.map(({ confidence, accuracy }) => [confidence * scale, (1 - accuracy) * scale]);
    const marks = at.map(([x, y]) =>
      r === 0
        ? `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4"/>`
        : `<rect x="${(x - 4).toFixed(1)}" y="${(y - 4).toFixed(1)}" width="8" height="8"/>`,
    );
    return `<g fill="${colors[r]}" stroke="${colors[r]}"><path d="${line(at)}" fill="none" stroke-width="2"/>${marks.join("")}</g>`;
  })
  .join("\n");

const loaded = await Promise.all(names.map((name) => load(runs[0], name)));
const mean = ({ error }) => error.reduce((sum, e) => sum + Math.abs(e), 0) / error.length;
const byError = [...loaded.keys()].sort((a, b) => mean(loaded[a]) - mean(loaded[b]));
const shown = byError[Math.floor(byError.length / 2)];
const view = window(loaded[shown], Math.min(48, ...loaded[shown].size));
const maps = await Promise.all(runs.map((run) => load(run, names[shown])));
const width = maps[0].size[1];
const pixel = ({ error }, x, y) => error[(view.y + y) * width + view.x + x];

/**
 * Returns the border along which the true foreground probability crosses 1/2, as line segments between
 * pixels.
 */
function border({ true_ }) {
  const inside = (x, y) => true_[(view.y + y) * width + view.x + x] > 0.5;
  const step = scale / view.side;
  const lines = [];
  for (let y = 0; y < view.side; y++) {
    for (let x = 0; x < view.side; x++) {
      if (x + 1 < view.side && inside(x, y) !== inside(x + 1, y))
        lines.push(`M${((x + 1) * step).toFixed(1)} ${(y * step).toFixed(1)}v${step.toFixed(1)}`);
      if (y + 1 < view.side && inside(x, y) !== inside(x, y + 1))
        lines.push(`M${(x * step).toFixed(1)} ${((y + 1) * step).toFixed(1)}h${step.toFixed(1)}`);
    }
  }
  return `<path d="${lines.join("")}" stroke="#333" fill="none"/>`;
}

const panels = maps
  .map((map, r) => {
    const image = png(view.side, (x, y) => errorColor(pixel(map, x, y)));
    return `<g transform="translate(${330 + r * 255} 40)">
<image width="${scale}" height="${scale}" href="data:image/png;base64,${image}" style="image-rendering:pixelated"/>
${border(map)}<rect width="${scale}" height="${scale}" fill="none" stroke="#999"/>
<text y="-10" fill="${colors[r]}" font-weight="bold">${titleOf(runs[r])}</text>
<text y="252">mean error ${mean(map).toFixed(3)}</text></g>`;
  })
  .join("\n");

const ticks = [0, 0.5, 1]
  .map(
    (t) =>
      `<text x="${t * scale}" y="${scale + 16}" text-anchor="middle">${t}</text>` +
      `<text x="-6" y="${(1 - t) * scale + 4}" text-anchor="end">${t}</text>`,
  )
  .join("");
const legend = runs
  .map((run, r) => {
    const mark = r === 0 ? '<circle cx="12" cy="-4" r="4"/>' : '<rect x="8" y="-8" width="8" height="8"/>';
    const error = expectedCalibrationError(curves[r]).toFixed(3);
    return `<g transform="translate(56 ${188 + 18 * r})" fill="${colors[r]}">${mark}<text x="22">${titleOf(run)}, ECE ${error}</text></g>`;
  })
  .join("");

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 330" font-family="system-ui, sans-serif" font-size="13" fill="#222">
<title>Reliability of two networks, and their error along a border</title>
<rect width="840" height="330" fill="white"/>
<g transform="translate(50 40)">
<text y="-10" font-weight="bold">Is 80 % right in 80 of 100?</text>
<rect width="${scale}" height="${scale}" fill="none" stroke="#999"/>
<path d="M0 ${scale}L${scale} 0" stroke="#999" stroke-dasharray="4 4"/>
${diagram}
${ticks}<text x="${scale / 2}" y="${scale + 34}" text-anchor="middle">predicted foreground probability</text>
<text transform="translate(-32 ${scale / 2}) rotate(-90)" text-anchor="middle">share that is foreground</text>
${legend}
</g>
${panels}
<text x="815" y="316" text-anchor="end">foreground probability <tspan fill="#b34d00">too high</tspan>, <tspan fill="#0072b2">too low</tspan> against the true one; line: true border</text>
</svg>
`;
writeFileSync(fileURLToPath(new URL("picture.svg", import.meta.url)), svg);
console.log(`docs/picture.svg: ${runs.join(" and ")}, ${names.length} cases`);
