// `npm run release:pack`: builds the addon of every platform that this machine can build, checks each, and
// packs all packages with a bill of materials. Addons that other machines built come from a folder
// PLATFORM/pixelcal.node.
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildAddon, checkAddon } from "./build.mjs";
import { differences, golden, kernelHashes } from "./hashes.mjs";
import { root } from "./manifests.mjs";
import { packPackages } from "./pack.mjs";
import { platforms } from "./platforms.mjs";
import { billOfMaterials } from "./sbom.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(platforms).join(",") },
    addons: { type: "string" },
    out: { type: "string", default: join(root, "build", "packages") },
    /** Fails unless every platform's addon is there: for a release that is published. */
    complete: { type: "boolean", default: false },
    /** Builds and checks addons, and packs nothing. */
    build: { type: "boolean", default: false },
  },
});
const wanted = values.only.split(",");
for (const name of wanted)
  if (!(name in platforms))
    throw new Error(`only: expected some of ${Object.keys(platforms).join(", ")}, got ${name}`);

/** The addon of a platform: given, or built here. */
function addonOf(name) {
  const given = values.addons && join(resolve(values.addons), name, "pixelcal.node");
  if (!given || !existsSync(given)) return buildAddon(name);
  checkAddon(name, given);
  return { file: given };
}

const addons = {};
for (const name of wanted) {
  const { file, missing } = addonOf(name);
  if (missing !== undefined) {
    console.log(`${name}: NOT BUILT, needs ${missing}`);
    continue;
  }
  addons[name] = file;
  const { hashes, missing: machine } = kernelHashes(name, file);
  if (machine !== undefined) {
    console.log(`${name}: built; NOT RUN, needs ${machine}`);
    continue;
  }
  const different = differences(golden, hashes);
  if (different.length > 0) throw new Error(`${name}: computes other bits in ${different.join(", ")}`);
  console.log(`${name}: built; ${Object.keys(hashes).length} results have the bits of every platform`);
}
const lacking = wanted.filter((name) => !(name in addons));
if (values.complete && lacking.length > 0) throw new Error(`no addon for ${lacking.join(", ")}`);

if (!values.build) {
  rmSync(values.out, { recursive: true, force: true });
  mkdirSync(values.out, { recursive: true });
  for (const { name, filename, size } of packPackages(values.out, addons))
    console.log(`${name}: ${filename}, ${Math.ceil(size / 1024)} KiB`);
  writeFileSync(join(values.out, "sbom.cdx.json"), `${JSON.stringify(billOfMaterials(), null, 2)}\n`);
  console.log(`packed into ${values.out}`);
}
