import { writeFileSync } from "node:fs";
import { encodeNpz } from "@pixelcal/io";
import { test } from "vitest";
import { generatePhantom } from "./phantom.js";

test("x", async () => {
  let t = performance.now();
  for (let s = 0; s < 24; s++) {
    const p = generatePhantom({ seed: s });
    writeFileSync(
      `/tmp/ph/d2_${String(s).padStart(2, "0")}.npz`,
      await encodeNpz({ image: p.image, label: p.labels, truth: p.probabilities }),
    );
  }
  console.log((performance.now() - t) / 24, "ms per 2-D");
  t = performance.now();
  for (let s = 0; s < 4; s++) {
    const p = generatePhantom({ seed: 100 + s, dimensions: 3 });
    writeFileSync(
      `/tmp/ph/d3_${s}.npz`,
      await encodeNpz({ image: p.image, label: p.labels, truth: p.probabilities }),
    );
  }
  console.log((performance.now() - t) / 4, "ms per 3-D");
});
