import { InvalidArgumentError } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { constant, cosine, poly } from "./schedule.js";

describe("schedule", () => {
  it("follows CosineAnnealingLR", () => {
    // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=5), rate 1: epochs 0 to 5.
    const torch = [1, 0.9045084971874737, 0.6545084971874737, 0.34549150281252633, 0.09549150281252633, 0];
    const schedule = cosine({ epochs: 5 });
    torch.forEach((rate, epoch) => {
      expect(schedule.factor(epoch)).toBeCloseTo(rate, 14);
    });
    expect(schedule.factor(9)).toBeCloseTo(0, 14);
  });

  it("follows nnU-Net's PolyLRScheduler", () => {
    // initial_lr * (1 - current_step / max_steps) ** 0.9, rate 1, 5 epochs.
    const nnunet = [1, 0.8180521460508584, 0.6314458674893553, 0.4383832905540869, 0.23492378861760374];
    nnunet.forEach((rate, epoch) => {
      expect(poly({ epochs: 5 }).factor(epoch)).toBeCloseTo(rate, 14);
    });
    expect([5, 9].map((epoch) => poly({ epochs: 5 }).factor(epoch))).toEqual([0, 0]);
    expect([0, 1, 2, 4].map((epoch) => poly({ epochs: 5, power: 1, warmup: 1 }).factor(epoch))).toEqual([
      0.5, 1, 0.75, 0.25,
    ]);
  });

  it("ends at the minimum", () => {
    expect(cosine({ epochs: 4, minimum: 0.1 }).factor(4)).toBeCloseTo(0.1, 14);
    expect(cosine({ epochs: 4, minimum: 0.1 }).factor(2)).toBeCloseTo(0.55, 14);
  });

  it("warms up to the full rate", () => {
    const schedule = cosine({ epochs: 5, warmup: 2 });
    expect([0, 1, 2, 5].map((epoch) => schedule.factor(epoch))).toEqual([1 / 3, 2 / 3, 1, 0]);
    expect([0, 1, 2, 9].map((epoch) => constant({ warmup: 1 }).factor(epoch))).toEqual([0.5, 1, 1, 1]);
  });

  it("or within epochs, while the schedule runs", () => {
    const schedule = cosine({ epochs: 2, warmupSteps: 3 });
    expect([0, 1, 2, 3, 9].map((updates) => schedule.factor(0, updates))).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(schedule.factor(1, 1)).toBeCloseTo(0.25, 14);
    expect([0, 1, 2].map((updates) => constant({ warmupSteps: 1 }).factor(7, updates))).toEqual([0.5, 1, 1]);
  });

  it.each([
    ["epochs", () => cosine({ epochs: 0 })],
    ["epochs", () => cosine({ epochs: 2.5 })],
    ["minimum", () => cosine({ epochs: 2, minimum: 2 })],
    ["warmup", () => cosine({ epochs: 2, warmup: 2 })],
    ["epochs", () => poly({ epochs: 0 })],
    ["power", () => poly({ epochs: 2, power: 0 })],
    ["warmup", () => poly({ epochs: 2, warmup: 2 })],
    ["warmup", () => constant({ warmup: -1 })],
    ["warmupSteps", () => constant({ warmupSteps: 0.5 })],
    ["warmupSteps", () => constant({ warmup: 1, warmupSteps: 1 })],
  ])("rejects a bad %s", (argument, make) => {
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(argument);
  });
});
