import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { pixelcal } from "./run.test.helper.js";

/** A folder of the test file's own, which holds eight phantoms. */
export let root: string;
export let data: string;
export const at = (...parts: string[]): string => join(root, ...parts);

/** Makes `root` and `data` before a file's tests and removes them after. */
export function toyData(): void {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "pixelcal-cli-"));
    data = at("data");
    const made = await pixelcal(["phantom", "--out", data, "--cases", "8", "--size", "24x24", "--seed", "3"]);
    expect(made.messages).toBe("");
    expect(made.code).toBe(0);
  });
  afterAll(() => rm(root, { recursive: true }));
}

/** Returns a configuration as the authors of the SDC repository write them. */
export function config(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    seed: 42,
    run_name: "toy",
    method: "sdc",
    dataset: { name: "toy", root: data },
    model: { arch: "unet2d", in_channels: 1, num_classes: 4, base: 2 },
    batch_size: 2,
    num_workers: 0,
    epochs: 3,
    optim: { lr: 0.001, weight_decay: 0.0001 },
    scheduler: { type: "cosine" },
    sdc: { alpha: 0.1, lam_sdf: 0.1, sam_morph: "gradient", sam_kernel: "mean", sdf_scale: 100.0 },
    threads: 1,
    ...overrides,
  };
}

export async function writeConfig(name: string, overrides: Record<string, unknown> = {}): Promise<string> {
  const path = at(name);
  await writeFile(path, JSON.stringify(config(overrides)));
  return path;
}
