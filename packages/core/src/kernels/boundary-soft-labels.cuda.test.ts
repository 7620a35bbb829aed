import { expect, test } from "vitest";
import { tensor } from "../tensor.js";
import { boundarySoftLabels } from "./boundary-soft-labels.js";

test("boundary soft labels are those of the CPU", async () => {
  const labels = tensor(
    "uint8",
    Uint8Array.from({ length: 600 }, (_, i) => (i % 37 > 17 ? 1 : 0)),
    [2, 15, 20],
  );
  const options = { classes: 2, scale: 1 } as const;
  const expected = await boundarySoftLabels(labels, options);
  const { data } = await boundarySoftLabels(labels, { ...options, device: "cuda" });
  expect(data.length).toBe(expected.data.length);
  data.forEach((value, i) => void expect(value, `entry ${i}`).toBeCloseTo(expected.data[i]!, 6));
});
