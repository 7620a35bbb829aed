// Packs packages as they are published, from staged copies with their published manifests.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { manifestOf, prebuiltManifest, publicFolders, root } from "./manifests.mjs";

const isTest = (path) => /\.test\.|\.tsbuildinfo$/.test(path);

/** Throws unless everything that a manifest promises is there. */
export function checkBuilt(folder, manifest) {
  const entries = Object.values(manifest.exports ?? {}).flatMap((entry) =>
    Object.values(entry).flatMap((value) => (typeof value === "string" ? [value] : Object.values(value))),
  );
  const promised = [...entries, ...Object.values(manifest.bin ?? {})];
  const missing = promised.filter((path) => !existsSync(join(folder, path)));
  if (missing.length > 0)
    throw new Error(
      `${manifest.name} is not built: ${missing.join(", ")} missing; run \`npm run build\` first`,
    );
}

function stage(home, folder, manifest, files) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  for (const [from, to] of files)
    if (existsSync(join(home, from))) {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      cpSync(join(home, from), join(folder, to), { recursive: true, filter: (path) => !isTest(path) });
    }
}

/** Stages a package of this repository into a folder. */
function stagePackage(name, folder) {
  const home = join(root, name);
  const manifest = manifestOf(name);
  checkBuilt(home, manifest);
  const files = [...manifest.files.filter((file) => !file.startsWith("!")), "README.md"];
  const copies = files.map((file) => [file, file]);
  stage(home, folder, manifest, name === "packages/distributed" ? [...copies, ...mpiSources] : copies);
}

/** The sources of the binding of MPI, for the machine's own compiler, with the headers of Node-API. */
const mpiSources = [
  ["../../native/src/mpi", "native/mpi"],
  ...["napi.h", "napi-inl.h", "napi-inl.deprecated.h", "LICENSE.md"].map((name) => [
    `../../native/node_modules/node-addon-api/${name}`,
    `native/include/${name}`,
  ]),
  ["../../native/node_modules/node-api-headers/include", "native/include"],
];

/**
 * Packs packages of the repository by their folders, and those of the given addons (platform -> file), into a
 * folder. Returns one `{ name, filename, size, files }` for each.
 */
export function packPackages(out, addons = {}, packages = publicFolders) {
  const staging = mkdtempSync(join(tmpdir(), "pixelcal-stage-"));
  try {
    mkdirSync(out, { recursive: true });
    const folders = [];
    for (const [name, file] of Object.entries(addons)) {
      const folder = join(staging, `native-${name}`);
      stage(dirname(file), folder, prebuiltManifest(name), [["pixelcal.node", "pixelcal.node"]]);
      folders.push(folder);
    }
    for (const name of packages) {
      const folder = join(staging, name.replace("/", "-"));
      stagePackage(name, folder);
      folders.push(folder);
    }
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const args = [
      "pack",
      "--json",
      "--ignore-scripts",
      "--loglevel=error",
      "--pack-destination",
      out,
      ...folders,
    ];
    const { status, stdout, stderr } = spawnSync(npm, args, {
      encoding: "utf8",
      cwd: staging,
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`npm pack: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
