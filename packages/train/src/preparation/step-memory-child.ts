// The process in which a step is measured: reads a configuration and the dims of a batch from stdin, trains
// one step of it on noise, and prints { bytes } or { problem } as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { elementCount, invalidArgument, Random, tensor } from "@pixelcal/core";
import { builtModel, parseConfig } from "../config/config.js";
import { labelCount, lossOf, withHeads } from "../config/regions.js";
import { Trainer } from "../trainer/trainer.js";

/** Forgets the most memory that this process has held, where Linux lets it. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // The peak then includes the making of the graph.
  }
}

/** Returns the most bytes that this process has held in memory. */
function peak(): number {
  // Linux counts the parent's memory to a child's maxRSS.
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
}

async function measure(text: string): Promise<number> {
  const { config: given, dims } = JSON.parse(text) as { config: unknown; dims: readonly number[] };
  const config = parseConfig(given, { runName: "step" });
  const { model, seed, threads } = config;
  if (!("arch" in model)) throw invalidArgument("model", "a network that is built in", model.onnx);
  const random = Random.fromSeed(seed);
  const [count = 1, , ...size] = dims;
  const noise = Float32Array.from({ length: elementCount(dims) }, () => random.normal());
  const classes = Math.min(256, labelCount(config)!);
  const map = Uint8Array.from({ length: count * elementCount(size) }, () => random.integer(classes));
  const batch = { images: tensor("float32", noise, dims), labels: tensor("uint8", map, [count, ...size]) };
  await using trainer = await Trainer.create({
    model: builtModel(withHeads(model, config.dataset), seed),
    loss: lossOf(config.loss, config),
    batch: dims,
    seed,
    threads,
  });
  const targets = await trainer.targets(batch);
  // Garbage of the graph differs from run to run.
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  forgetPeak();
  await trainer.step({ ...batch, targets });
  return peak() - before;
}

// A bundle of CommonJS has no await at its top.
void measure(readFileSync(0, "utf8")).then(
  (bytes) => process.stdout.write(JSON.stringify({ bytes })),
  (error: unknown) => process.stdout.write(JSON.stringify({ problem: String(error) })),
);
