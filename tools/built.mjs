// Some tests run what users run, the built packages: without them a run stops here, before it skips or
// half-fails anything.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function filesOf(folder) {
  const { exports, bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const entries = Object.values(exports ?? {}).map((entry) => entry.default);
  return [...entries, ...Object.values(bin ?? {})].map((path) => join(folder, path));
}

export default function setup() {
  const folders = readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .filter((folder) => existsSync(join(folder, "package.json")));
  const files = [
    ...folders.flatMap(filesOf),
    join(root, "packages/train/dist/check/device-trial-child.js"),
    join(root, "examples/scoring-service/dist/main.js"),
    process.env.PIXELCAL_ADDON ?? join(root, "native/build/Release/pixelcal.node"),
  ];
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined)
    throw new Error(`${relative(root, missing)} is missing; run \`npm run build\` before the tests`);
}
