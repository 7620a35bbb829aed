import { expect, test } from "vitest";
import { trainDevices } from "../runtime/session.js";
import { networkDeviceProblem } from "./device-trial.js";

test("networks run on the CPU", async () => {
  expect(await networkDeviceProblem("cpu")).toBe(undefined);
});

test("an unknown device is refused", () => {
  expect(() => networkDeviceProblem("tpu" as "cpu")).toThrow("device: expected cpu, webgpu, cuda, got tpu");
});

test("every other device works or says why not in one sentence", async () => {
  for (const device of trainDevices.filter((each) => each !== "cpu")) {
    const problem = await networkDeviceProblem(device);
    expect(problem ?? "works").not.toMatch(/^device |\. [A-Z]|--device/);
  }
});
