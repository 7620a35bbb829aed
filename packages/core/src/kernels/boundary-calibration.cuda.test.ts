import { expect, test } from "vitest";
import { labels, probs } from "../fixture.test.helper.js";
import { boundaryCalibration } from "./boundary-calibration.js";

test("rings are the same on the device", async () => {
  for (const of of ["foreground", "classes", "top-label", 1] as const)
    expect(await boundaryCalibration(probs, labels, { of, device: "cuda" })).toEqual(
      await boundaryCalibration(probs, labels, { of }),
    );
});
