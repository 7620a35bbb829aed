// Runs the packages' TypeScript tests on another version of Node: `on-node.mjs 22`, or with vitest's
// arguments `on-node.mjs 24 packages/train`. Fetches that Node once; where it cannot, it skips the tests.
import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { root } from "../release/manifests.mjs";
import { nodeBinary } from "../release/nodes.mjs";

const [version, ...rest] = process.argv.slice(2);
if (version === undefined || !/^\d+(\.\d+){0,2}$/.test(version)) {
  console.error(`on-node: expected a version of Node such as 22, got ${version ?? "nothing"}`);
  process.exit(2);
}

/** The packages that a service runs, and what require() loads. */
const tests = ["core", "io", "evaluate", "train"].map((name) => `packages/${name}/`);
tests.push("tools/lint/require.test.mjs");

const node = nodeBinary(version, "x64");
if (node === undefined) {
  console.log(`Node ${version} cannot be fetched: its tests are skipped`);
  console.log("0 passed, 0 failed, 1 skipped");
} else {
  console.log(`Node ${spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()}`);
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const chosen = rest.length > 0 ? rest : [...tests, "--project", "cpu"];
  const env = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const { status } = spawnSync(node, [vitest, "run", ...chosen], { cwd: root, env, stdio: "inherit" });
  process.exitCode = status ?? 1;
}
