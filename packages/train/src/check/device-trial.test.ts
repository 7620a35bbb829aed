import { expect, test } from "vitest";
import { trainDevices } from "../runtime/session.js";
import { networkDeviceProblem } from "./device-trial.js";

test("networks run on the CPU", async () => {
  expect(await networkDeviceProblem("cpu")).toBe(undefined);
});

test("unknown devices, options and programs are refused", async () => {
  for (const [run, message] of [
    [() => networkDeviceProblem("tpu" as "cpu"), "device: expected cpu, webgpu, cuda, got tpu"],
    [() => networkDeviceProblem("cpu", { child: "" } as never), "options.child: unknown option"],
    [
      () => networkDeviceProblem("cpu", { childProgram: "none.mjs" }),
      "childProgram: expected the path of a file",
    ],
  ] as const)
    await expect(run()).rejects.toThrow(message);
});

test("a signal ends the trial", async () => {
  const controller = new AbortController();
  const trial = networkDeviceProblem("cpu", { signal: controller.signal });
  controller.abort("enough");
  await expect(trial).rejects.toBe("enough");
});

test("every other device works or says why not in one sentence", async () => {
  for (const device of trainDevices.filter((each) => each !== "cpu")) {
    const problem = await networkDeviceProblem(device);
    expect(problem ?? "works").not.toMatch(/^device |\. [A-Z]|--device/);
  }
});
