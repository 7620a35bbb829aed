import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { atMost } from "./elf.mjs";
import { differences, golden } from "./hashes.mjs";
import { writeLibcStubs } from "./libc-stubs.mjs";
import { manifestOf, prebuiltManifest, publicFolders, root } from "./manifests.mjs";
import { platforms } from "./platforms.mjs";
import { billOfMaterials } from "./sbom.mjs";
import { symbolProblems } from "./symbols.mjs";

const here = dirname(fileURLToPath(import.meta.url));

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-release-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: folder, ...options });
  return { status, output: stdout + stderr };
}

/** Links a library of this source; the name of its only export is one that addons have. */
function library(name, source, args) {
  writeFileSync(join(folder, `${name}.cc`), source);
  const file = join(folder, `${name}.node`);
  const { status, output } = run("c++", ["-shared", "-fPIC", `${name}.cc`, "-o", file, ...args]);
  if (status !== 0) throw new Error(output);
  return file;
}

const entry = 'extern "C" void napi_register_module_v1()';
const threads = `#include <cmath>
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
volatile double x = 2;
static void* body(void*) { return dlsym(nullptr, "x"); }
${entry} {
  pthread_t thread;
  pthread_create(&thread, nullptr, body, nullptr);
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  x = std::hypot(x, std::pow(x, x));
}
`;

const glibc = process.platform === "linux" && process.report.getReport().header.glibcVersionRuntime;

describe.runIf(glibc)("the gate of symbols", () => {
  test("functions that newer libraries have in newer versions link to the old ones", () => {
    const stubs = join(folder, "stubs");
    writeLibcStubs("c++", stubs);
    const file = library("good", threads, [
      "-s",
      "-fvisibility=hidden",
      "-Wl,--as-needed",
      "-nostdlib",
      `-L${stubs}`,
      "-lc",
      "-lm",
    ]);
    const [hidden] = symbolProblems(file, "glibc");
    expect(hidden).toBeUndefined();
  });

  test("a newer symbol, another library, an export and symbols for debuggers are found", () => {
    writeFileSync(join(folder, "newer.map"), "GLIBC_9.9 { planted; };\n");
    library("libnewer", 'extern "C" void planted() {}', [
      "-Wl,--version-script=newer.map",
      "-Wl,-soname,libc.so.6",
      "-o",
      join(folder, "libnewer.so"),
    ]);
    const source = `extern "C" void planted();\nextern "C" void more() { planted(); }\n${entry} { more(); }\n`;
    const file = library("bad", source, ["-Wl,--no-as-needed", "-L.", "-lnewer", "-lstdc++"]);
    const problems = symbolProblems(file, "glibc").join("\n");
    expect(problems).toContain("needs planted of GLIBC_9.9, newer than 2.28");
    expect(problems).toContain("needs libstdc++.so.6");
    expect(problems).toContain("exports more");
    expect(problems).toContain("is not stripped");
    expect(symbolProblems(file, "musl").join("\n")).toContain("a symbol of glibc");
  });

  test("versions are compared by number", () => {
    expect(["2.2.5", "2.9", "2.28"].every((version) => atMost(version, "2.28"))).toBe(true);
    expect(["2.28.1", "2.29", "2.34", "3.0"].some((version) => atMost(version, "2.28"))).toBe(false);
  });
});

test("the loader lists each platform's addon, and CUDA's for those who ask", () => {
  const { optionalDependencies, peerDependencies, peerDependenciesMeta, version, ...manifest } =
    manifestOf("native");
  expect(Object.keys(optionalDependencies)).toHaveLength(7);
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([version]));
  expect(peerDependencies).toEqual({ "@pixelcal/native-linux-x64-cuda": version });
  expect(peerDependenciesMeta).toEqual({ "@pixelcal/native-linux-x64-cuda": { optional: true } });
  for (const key of ["dependencies", "devDependencies", "scripts"]) expect(manifest).not.toHaveProperty(key);
});

test.each(publicFolders)("%s is published with exact versions and provenance", (name) => {
  const { dependencies = {}, optionalDependencies = {}, publishConfig, ...manifest } = manifestOf(name);
  for (const range of Object.values({ ...dependencies, ...optionalDependencies }))
    expect(range).toMatch(/^\d/);
  expect(publishConfig).toEqual({ access: "public", provenance: true });
  for (const key of ["devDependencies", "scripts"]) expect(manifest).not.toHaveProperty(key);
});

test.each(Object.keys(platforms))("the package of %s is installed there alone", (name) => {
  const { os, cpu, libc, main } = prebuiltManifest(name);
  const { optIn, ...platform } = platforms[name];
  expect({ os, cpu, libc }).toEqual({
    os: [platform.os],
    cpu: [platform.cpu],
    libc: platform.libc && [platform.libc],
  });
  expect(main).toBe("pixelcal.node");
  expect(name === "linux-x64-cuda").toBe(optIn ?? false);
});

test("the bill of materials names everything that it refers to, once, with the checksums of others' packages", () => {
  const { components, dependencies } = billOfMaterials();
  const references = components.map((component) => component["bom-ref"]);
  expect(new Set(references).size).toBe(references.length);
  for (const { ref, dependsOn } of dependencies)
    for (const name of [ref, ...dependsOn]) expect(references).toContain(name);
  for (const { purl = "pkg:npm/%40pixelcal/", hashes } of components)
    if (!purl.startsWith("pkg:npm/%40pixelcal/")) expect(hashes[0].content).toMatch(/^[0-9a-f]{128}$/);
  expect(references).toContain("pkg:npm/yauzl@3.4.0");
});

test("no package manager packs what is not built", () => {
  const script = join(here, "prepack.mjs");
  const manifest = { name: "@pixelcal/x", exports: { ".": { default: "./dist/index.js" } } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const { status, output } = run(process.execPath, [script]);
  expect(status).toBe(1);
  expect(output).toContain("@pixelcal/x is not built: ./dist/index.js missing");
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "dist", "index.js"), "");
  expect(run(process.execPath, [script])).toEqual({ status: 0, output: "" });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, name: "@pixelcal/native" }));
  expect(run(process.execPath, [script]).output).toContain("npm run release:pack");
});

test("a kernel with other bits, and one that only one side has, are told", () => {
  expect(differences({ a: "1", b: "2" }, { b: "2", a: "1" })).toEqual([]);
  expect(differences({ a: "1", b: "2" }, { a: "1", b: "3", c: "4" })).toEqual(["b", "c"]);
});

test("the addon of this checkout computes the bits that every released addon has to", () => {
  const built = process.env.PIXELCAL_ADDON ?? join(root, "native", "build", "Release", "pixelcal.node");
  const { status, output } = run(process.execPath, [join(here, "kernel-hashes.mjs"), built]);
  expect(status, output).toBe(0);
  expect(JSON.parse(output)).toEqual(golden);
});
