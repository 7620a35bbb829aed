// The bill of materials of a release, in CycloneDX 1.6: our packages, what they depend on, and what is linked
// into the addons.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { manifestOf, prebuiltManifest, publicFolders, root } from "./manifests.mjs";
import { platforms } from "./platforms.mjs";

const purl = (name, version) => `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
const licenses = (license) => (license ? [{ license: { id: license } }] : []);

function component(name, version, license, more = {}) {
  const reference = purl(name, version);
  return {
    type: "library",
    "bom-ref": reference,
    name,
    version,
    purl: reference,
    licenses: licenses(license),
    ...more,
  };
}

/** Libraries inside of the addons; their versions are those of the compilers that built them. */
const linked = [
  {
    type: "library",
    "bom-ref": "libstdc++",
    name: "libstdc++",
    licenses: [{ expression: "GPL-3.0-or-later WITH GCC-exception-3.1" }],
  },
  {
    type: "library",
    "bom-ref": "cudart",
    name: "cudart (static)",
    licenses: [{ license: { name: "NVIDIA CUDA EULA" } }],
  },
];

/**
 * Returns the packages that ours need at run time, by the lockfile: `name@version` -> { integrity, needs }.
 */
function dependencies() {
  const lock = parse(readFileSync(join(root, "pnpm-lock.yaml"), "utf8"));
  const found = new Map();
  const visit = (name, version) => {
    const key = `${name}@${version}`;
    if (version.startsWith("link:") || found.has(key)) return;
    const { dependencies = {}, optionalDependencies = {} } = lock.snapshots[key] ?? {};
    const needs = Object.entries({ ...dependencies, ...optionalDependencies });
    found.set(key, { name, version, integrity: lock.packages[key]?.resolution.integrity, needs });
    for (const [other, itsVersion] of needs) visit(other, itsVersion);
  };
  for (const folder of publicFolders)
    for (const name of Object.keys(manifestOf(folder).dependencies ?? {}))
      visit(name, lock.importers[folder].dependencies[name].version);
  return [...found.values()];
}

function licenseOf(name, version) {
  const home = join(
    root,
    "node_modules",
    ".pnpm",
    `${name.replace("/", "+")}@${version}`,
    "node_modules",
    name,
  );
  try {
    return JSON.parse(readFileSync(join(home, "package.json"), "utf8")).license;
  } catch {
    return undefined; // a package for other platforms is not installed here
  }
}

/** Returns the bill of materials; it depends on the sources alone, not on the time. */
export function billOfMaterials() {
  const ours = [...publicFolders.map(manifestOf), ...Object.keys(platforms).map(prebuiltManifest)];
  const others = dependencies();
  const hex = (integrity) => Buffer.from(integrity.split("-")[1], "base64").toString("hex");
  const ofOthers = others.map(({ name, version, integrity }) => {
    const hashes = integrity ? [{ alg: "SHA-512", content: hex(integrity) }] : [];
    return component(name, version, licenseOf(name, version), { hashes });
  });
  const { version } = manifestOf("native");
  const prebuilt = (name) => name.startsWith("@pixelcal/native-");
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "library", "bom-ref": "pixelcal", name: "pixelcal", version } },
    components: [
      ...ours.map((manifest) => component(manifest.name, manifest.version, manifest.license)),
      ...ofOthers,
      ...linked,
    ],
    dependencies: [
      ...ours.map(({ name, version, dependencies = {}, optionalDependencies = {} }) => ({
        ref: purl(name, version),
        dependsOn: [
          ...Object.entries({ ...dependencies, ...optionalDependencies }).map(([other, its]) =>
            purl(other, its),
          ),
          ...(prebuilt(name)
            ? linked.slice(0, name.endsWith("-cuda") ? 2 : 1).map((library) => library["bom-ref"])
            : []),
        ],
      })),
      ...others.map(({ name, version, needs }) => ({
        ref: purl(name, version),
        dependsOn: needs.map(([other, its]) => purl(other, its)),
      })),
    ],
  };
}
