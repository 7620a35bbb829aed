import { InvalidArgumentError } from "@pixelcal/core";
import { expect, test } from "vitest";
import { generatePhantom, writePhantoms } from "./index.js";

const cases = { train: 0, val: 0, test: 0 };

test.each<[string, () => unknown, string]>([
  [
    "generatePhantom",
    () => generatePhantom({ seed: 1, observers: 1 } as never),
    'options.observers: unknown option (did you mean "observer"?)',
  ],
  [
    "writePhantoms",
    () => writePhantoms("none", { seed: 1, cases, spacings: [1, 1] } as never),
    'options.spacings: unknown option (did you mean "spacing"?)',
  ],
  [
    "writePhantoms",
    () => writePhantoms("none", { seed: 1, cases: { ...cases, validation: 1 } } as never),
    "options.cases.validation: unknown option; known options: train, val, test",
  ],
])("%s refuses an option it does not know", async (_, run, message) => {
  const attempt = async () => run();
  await expect(attempt()).rejects.toThrow(InvalidArgumentError);
  await expect(attempt()).rejects.toThrow(message);
});
