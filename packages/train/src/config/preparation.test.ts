import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.js";
import { problems, smallest } from "./config.test.helper.js";

describe("preparation", () => {
  const given = (normalization: unknown, channels = 1) => ({
    ...smallest,
    model: { num_classes: 2, in_channels: channels },
    preparation: { normalization },
  });

  test.each<[unknown, readonly object[]]>([
    ["CT", [{ scheme: "ct" }]],
    [{ scheme: "range", low: -100, high: 300 }, [{ scheme: "range", low: -100, high: 300 }]],
    [
      ["ct", { scheme: "z-score" }],
      [{ scheme: "ct" }, { scheme: "z-score" }],
    ],
  ])("normalization %j, resolving to itself", (normalization, resolved) => {
    const config = parseConfig(given(normalization, resolved.length), { runName: "run" });
    expect(config.preparation).toEqual({ normalization: resolved });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  const path = "preparation.normalization";
  test.each<[unknown, string]>([
    [
      "zscore",
      `${path}: expected none, z-score, percentile, range, ct, a section with scheme, or a list of those, one per channel, got string "zscore"`,
    ],
    [{ scheme: "z-score", mean: 1 }, `${path}: z-score takes no mean`],
    [{ scheme: "ct", low: 1 }, `${path}: ct needs low, high, mean, sd, or none of them`],
    [{ scheme: "range", low: 2, high: 1 }, `${path}: expected low below high, got 2 and 1`],
    [
      { scheme: "percentile", low: 1, high: 101 },
      `${path}: expected percentiles from 0 to 100, got 1 and 101`,
    ],
    [["ct", "none"], `${path}: expected 1 scheme, or 1, one per channel, got 2`],
  ])("%j is refused", (normalization, problem) => {
    expect(problems(given(normalization))).toEqual([problem]);
  });
});
