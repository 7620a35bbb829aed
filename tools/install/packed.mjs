// The packages to install: those of a release, or those of this checkout with its own build as the addon of
// this platform.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { manifestOf, prebuiltManifest, publicFolders, root } from "../release/manifests.mjs";
import { packPackages } from "../release/pack.mjs";
import { platforms } from "../release/platforms.mjs";

const { prebuiltNames } = createRequire(import.meta.url)("../../native/platform.cjs");

/** The platform of this machine, as the loader sees it. */
export const hostAddon = prebuiltNames().find((name) => !platforms[name]?.optIn);

/**
 * An addon for a machine that none is built for here; package managers fetch such packages and nothing loads
 * them.
 */
function placeholders(folder, names) {
  const home = join(folder, "placeholder");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "pixelcal.node"), "");
  return packPackages(
    folder,
    Object.fromEntries(names.map((name) => [name, join(home, "pixelcal.node")])),
    [],
  );
}

/**
 * Returns `{ name, filename, placeholder }` of each package in a folder. If `fresh`, those of this checkout
 * are packed into it, with its own build as the addon of this platform and the one with CUDA.
 */
export function packed(folder, fresh) {
  const built = join(root, "native", "build", "Release", "pixelcal.node");
  const addons = hostAddon === "linux-x64-glibc" ? [hostAddon, "linux-x64-cuda"] : [hostAddon];
  if (fresh) packPackages(folder, Object.fromEntries(addons.map((name) => [name, built])));
  const files = new Set(readdirSync(folder));
  const filename = ({ name, version }) => `${name.slice(1).replace("/", "-")}-${version}.tgz`;
  const lacking = Object.keys(platforms).filter((name) => !files.has(filename(prebuiltManifest(name))));
  return [
    ...[...publicFolders.map(manifestOf), ...Object.keys(platforms).map(prebuiltManifest)]
      .filter((manifest) => files.has(filename(manifest)))
      .map((manifest) => ({ name: manifest.name, filename: filename(manifest) })),
    ...placeholders(folder, lacking),
  ];
}
