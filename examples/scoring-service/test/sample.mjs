// Writes samples into sample/, or the given folder: a case with its probabilities, the same as a pair of
// files, an image, and an untrained model that predicts it.
import { mkdirSync, writeFileSync } from "node:fs";
import { tensor } from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import { writeNpy, writeNpz } from "@pixelcal/io";
import { generatePhantom } from "@pixelcal/phantom";
import { unet2d } from "@pixelcal/train";

const folder = process.argv[2] ?? "sample";
mkdirSync(folder, { recursive: true });
const { image, labels, probabilities, spacing } = generatePhantom({ seed: 1, size: [64, 64] });
const sizes = tensor("float64", Float64Array.from(spacing), [spacing.length]);
await writeNpz(`${folder}/case.npz`, { probs: probabilities, label: labels, spacing: sizes });
await writeNpz(`${folder}/image.npz`, { image, label: labels, spacing: sizes });
await writeNpy(`${folder}/probs.npy`, probabilities);
await writeNpy(`${folder}/label.npy`, labels);
writeFileSync(`${folder}/model.onnx`, serializeModel(unet2d({ classes: 4, base: 4 }).build([1, 1, 64, 64])));
