import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("kernels.mjs", import.meta.url));

// No card is at hand: small arrays on the CPU go through the same calls.
test("every kernel of gpu-check is measured", () => {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-gpu-"));
  try {
    const sizes = {
      distance2d: [33, 47],
      distance3d: [9, 17, 21],
      bins: [2, 4, 17, 19],
      targets: [2, 24, 24],
    };
    writeFileSync(join(folder, "sizes.json"), JSON.stringify({ ...sizes, repeats: 1 }));
    const args = [script, join(folder, "sizes.json"), "cpu"];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      distance2d: expect.any(Number),
      distance3d: expect.any(Number),
      bins: expect.any(Number),
      binsBytes: 4 * 2 * 4 * 17 * 19 + 2 * 17 * 19,
      "targets, reference": expect.any(Number),
      "targets, consistent": expect.any(Number),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
