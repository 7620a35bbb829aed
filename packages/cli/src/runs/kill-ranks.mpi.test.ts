import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { noMpi } from "@pixelcal/distributed/testing";
import { describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../../../tools/kill-ranks.mjs", import.meta.url));

// The script checks it all, and is run with more trials by hand.
describe.skipIf(noMpi !== undefined)(`a training that loses a rank${noMpi ? `: ${noMpi}` : ""}`, () => {
  test.each([
    ["SIGKILL", 2],
    ["SIGSTOP", 3],
  ])("by %s, of %i, is gone and resumes to the bytes of an undisturbed one", (signal, ranks) => {
    const args = ["--times", "1", "--ranks", String(ranks), "--signal", signal];
    // Six jobs, each with the start of several processes.
    const { stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
    expect(stdout + stderr).toMatch(/^1: gone after .*\n1 passed, 0 failed\n$/);
  });
});
