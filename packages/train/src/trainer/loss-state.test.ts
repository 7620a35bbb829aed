import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lossFromConfig, type NamedLoss } from "@pixelcal/losses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BatchSource } from "./epoch.js";
import { type FitOptions, fit } from "./fit.js";
import { lossAndGradient } from "./loss-and-gradient.js";
import { squares, trainerWith } from "./training.test.helper.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-state-"));
});
afterAll(() => rm(root, { recursive: true }));

const withTrainer = trainerWith();
const train: BatchSource = { epoch: (epoch) => [squares(epoch), squares(epoch + 100)] };
const validation: BatchSource = { epoch: () => [squares(50), squares(51)] };

const runs = (config: NamedLoss, options: Partial<FitOptions>) =>
  withTrainer({ loss: lossFromConfig(config) }, async (trainer) => {
    const { history } = await fit(trainer, { train, validation, epochs: 4, ...options });
    return { history, state: trainer.loss.state!.save() };
  });

class Stop extends Error {}

describe.each<NamedLoss>([
  { name: "crac", rhoStep: 1 },
  { name: "cals", margin: 0.5, rhoStep: 1 },
  { name: "adaFocal" },
])("$name", (config) => {
  test("follows the validation split, and a resumed run as an uninterrupted one", async () => {
    const whole = await runs(config, {});
    expect(whole.state).not.toEqual(lossFromConfig(config).state!.save());
    const folder = join(root, config.name);
    const stopping = runs(config, {
      folder,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) throw new Stop();
      },
    });
    await expect(stopping).rejects.toBeInstanceOf(Stop);
    expect(await runs(config, { folder, resume: true })).toEqual(whole);
  });

  test("needs a validation split", async () => {
    await expect(runs(config, { validation: undefined })).rejects.toThrow(
      `validation: required by the loss ${config.name}`,
    );
  });

  test("a loss alone has the state's arrays too", async () => {
    const { images, labels } = squares(3);
    const logits = { ...images, dims: [1, 2, 16, 16] };
    const { loss } = await lossAndGradient(lossFromConfig(config), logits, {
      ...labels,
      data: labels.data.slice(0, 256),
      dims: [1, 16, 16],
    } as typeof labels);
    expect(Number.isFinite(loss)).toBe(true);
  });
});
