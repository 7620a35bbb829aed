// Packs every public package as it would be published and checks what a user would get: publint,
// are-the-types-wrong, no test or stale file, and a size budget. Prints one line a problem; exit code 1 if
// there is any.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { manifestOf, publicFolders, root } from "../release/manifests.mjs";
import { packPackages } from "../release/pack.mjs";

const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** KiB of the packed archive; a package that outgrows its budget has packed something by mistake. */
const budgets = {
  native: 20,
  core: 250,
  io: 320,
  evaluate: 200,
  graph: 400,
  losses: 100,
  train: 400,
  phantom: 60,
  // With the sources of the binding and the headers of Node-API.
  distributed: 150,
  cli: 180,
};

/** ESM only: a CommonJS user on Node 20.19 or newer requires it all the same. */
const accepted = new Set(["CJSResolvesToESM"]);

async function problemsOf({ name, filename, files }, folder) {
  const problems = [];
  const stray = files.map(({ path }) => path).filter((path) => /\.test\.|\.tsbuildinfo$|^src\//.test(path));
  if (stray.length > 0) problems.push(`packs ${stray.join(", ")}`);
  const archive = readFileSync(join(folder, filename));
  const size = Math.ceil(archive.length / 1024);
  const budget = budgets[name.replace("@pixelcal/", "")];
  if (size > budget) problems.push(`packed size ${size} KiB, budget ${budget} KiB`);
  const manifest = manifestOf(publicFolders.find((home) => manifestOf(home).name === name));
  for (const key of ["description", "license", "engines", "keywords"])
    if (manifest[key] === undefined) problems.push(`package.json has no ${key}`);
  if (manifest.engines?.node !== engines.node)
    problems.push(`engines.node is not the root's, ${engines.node}`);
  const { messages } = await publint({ pack: { tarball: Uint8Array.from(archive).buffer } });
  for (const message of messages) problems.push(`publint: ${formatMessage(message, manifest)}`);
  if (manifest.exports !== undefined) {
    const types = await checkPackage(createPackageFromTarballData(archive));
    const wrong = types.types === false ? [{ kind: "NoTypes" }] : types.problems;
    for (const { kind, entrypoint, resolutionKind } of wrong)
      if (!accepted.has(kind) && resolutionKind !== "node10")
        problems.push(`types: ${kind} ${entrypoint ?? ""} ${resolutionKind ?? ""}`);
  }
  return problems;
}

const folder = mkdtempSync(join(tmpdir(), "pixelcal-pack-"));
let failed = 0;
try {
  for (const packed of packPackages(folder)) {
    for (const problem of await problemsOf(packed, folder)) {
      failed += 1;
      console.error(`${packed.name}: ${problem}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
