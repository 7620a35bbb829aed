// The package.json of each package as it is published: exact versions, no tools of this repository.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { platforms } from "./platforms.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));

/** The folders of the packages that are published as they stand: native, then packages. */
export const publicFolders = [
  "native",
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`),
];

const prebuilt = (name) => `@pixelcal/native-${name}`;

/** The fields every published package has; provenance needs the repository, which the forge's job knows. */
function published(directory) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  const url = `git+${server}/${repository}.git`;
  return {
    ...(repository && { repository: { type: "git", url, directory } }),
    publishConfig: { access: "public", provenance: true },
  };
}

function exact(dependencies = {}) {
  const version = (name) => read(publicFolders.find((folder) => read(folder).name === name)).version;
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => [
      name,
      range.startsWith("workspace:") ? version(name) : range,
    ]),
  );
}

/** Returns the published manifest of the package in a folder. */
export function manifestOf(folder) {
  const { devDependencies, scripts, dependencies, ...manifest } = read(folder);
  const result = {
    ...manifest,
    ...(dependencies && { dependencies: exact(dependencies) }),
    ...published(folder),
  };
  if (folder !== "native") return result;
  const names = Object.keys(platforms);
  const list = (optIn) =>
    names
      .filter((name) => (platforms[name].optIn ?? false) === optIn)
      .map((name) => [prebuilt(name), manifest.version]);
  // An optional peer is never installed by itself, and strict package managers let the loader see one that
  // is.
  return {
    ...result,
    optionalDependencies: Object.fromEntries(list(false)),
    peerDependencies: Object.fromEntries(list(true)),
    peerDependenciesMeta: Object.fromEntries(list(true).map(([name]) => [name, { optional: true }])),
  };
}

/** Returns the manifest of the package that holds the addon of a platform. */
export function prebuiltManifest(name) {
  const { os, cpu, libc, optIn } = platforms[name];
  const { version, license, engines } = read("native");
  return {
    name: prebuilt(name),
    version,
    description: `The native addon of PixelCal for ${[os, cpu, libc].filter(Boolean).join(" ")}${optIn ? ", with its CUDA kernels" : ""}.`,
    license,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: "pixelcal.node",
    files: ["pixelcal.node"],
    preferUnplugged: true,
    ...published("native"),
  };
}
