// The loader as it is published, in a folder like node_modules of a consumer: packages are put there or not,
// and what the process is told to be varies.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const name = "@pixelcal/native";
const native = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(native, "package.json"), "utf8"));
const built = process.env.PIXELCAL_ADDON ?? join(native, "build", "Release", "pixelcal.node");

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-loader-"));
  const loader = join(folder, "node_modules", "@pixelcal", "native");
  for (const file of [...manifest.files, "package.json"])
    cpSync(join(native, file), join(loader, file), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Installs a prebuilt package whose addon is the built one, a file of this text, or another version. */
function install(name, { text, version } = {}) {
  const home = join(folder, "node_modules", "@pixelcal", `native-${name}`);
  mkdirSync(home, { recursive: true });
  const main = version === undefined ? "pixelcal.node" : "other.cjs";
  writeFileSync(join(home, "package.json"), JSON.stringify({ name: `@pixelcal/native-${name}`, main }));
  if (version !== undefined) writeFileSync(join(home, main), `exports.version = "${version}";\n`);
  else if (text !== undefined) writeFileSync(join(home, main), text);
  else symlinkSync(built, join(home, main));
}

/** Returns what a program that loads the addon sees: `{ origin, devices }`, or the error's fields. */
function load({ as = {}, env = {}, esm = false } = {}) {
  const disguise = Object.entries(as).map(
    ([key, value]) =>
      `Object.defineProperty(process, ${JSON.stringify(key)}, { value: ${JSON.stringify(value)} });\n`,
  );
  const show = `console.log(JSON.stringify({ origin: native.origin, devices: native.devices() }));`;
  const fail = `console.log(JSON.stringify({ ...error, name: error.name, message: error.message }));`;
  const [file, request] = esm
    ? ["app.mjs", `const { default: native } = await import(${JSON.stringify(name)});`]
    : ["app.cjs", `const native = require(${JSON.stringify(name)});`];
  writeFileSync(
    join(folder, file),
    `${disguise.join("")}try {\n${request}\n${show}\n} catch (error) {\n${fail}\n}\n`,
  );
  const { PIXELCAL_ADDON: _, ...rest } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: folder,
    encoding: "utf8",
    env: { ...rest, ...env },
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const libc = process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
const here =
  process.platform === "linux" ? `linux-${process.arch}-${libc}` : `${process.platform}-${process.arch}`;
const full = (platform) => `${name}-${platform}`;

test.each([true, false])("the package of this platform is loaded, ESM %s", (esm) => {
  install(here);
  const found = load({ esm });
  expect(found.origin).toBe(full(here));
  expect(found.devices[0]).toBe("cpu");
});

test.runIf(here === "linux-x64-glibc")("an installed CUDA package is preferred, and has to load", () => {
  install(here);
  install("linux-x64-cuda");
  expect(load().origin).toBe(full("linux-x64-cuda"));
  install("linux-x64-cuda", { version: "0.0.0" });
  expect(load()).toMatchObject({
    code: "ERR_PIXELCAL_ADDON_NOT_LOADED",
    remedy: `npm install ${full("linux-x64-cuda")}@${manifest.version}`,
  });
  rmSync(join(folder, "node_modules", "@pixelcal", "native-linux-x64-cuda"), { recursive: true });
  install("linux-x64-cuda", { text: "no library" });
  expect(load()).toMatchObject({
    code: "ERR_PIXELCAL_ADDON_NOT_LOADED",
    remedy: `npm uninstall ${full("linux-x64-cuda")}`,
  });
});

test.each([true, false])("a missing package is one error that says what to do, ESM %s", (esm) => {
  const error = load({ esm });
  expect(error).toMatchObject({
    name: "AddonError",
    code: "ERR_PIXELCAL_ADDON_NOT_LOADED",
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    tried: [{ name: full(here), reason: "not installed" }],
    remedy: `npm install ${full(here)}@${manifest.version}`,
  });
  for (const part of [error.platform, error.arch, error.node, full(here), error.remedy])
    expect(error.message).toContain(part);
});

test("a package that is damaged, and one of another version", () => {
  install(here, { text: "no library" });
  expect(load()).toMatchObject({ code: "ERR_PIXELCAL_ADDON_NOT_LOADED", tried: [{ name: full(here) }] });
  expect(load().tried[0].reason).not.toBe("not installed");
  install(here, { version: "0.0.9" });
  expect(load().tried).toEqual([
    { name: full(here), reason: `is version 0.0.9; ${manifest.version} is needed` },
  ]);
});

test("a library that is too old is not mended by an installation", () => {
  const home = join(folder, "node_modules", "@pixelcal", `native-${here}`);
  install(here, { version: "0" });
  writeFileSync(join(home, "other.cjs"), `throw new Error("libc.so.6: version \`GLIBC_2.28' not found");\n`);
  expect(load().remedy).toMatch(/^`npm run build` in a checkout of PixelCal/);
});

test.each([
  [{ platform: "darwin", arch: "arm64" }, "darwin-arm64"],
  [{ platform: "darwin", arch: "x64" }, "darwin-x64"],
  [{ platform: "win32", arch: "x64" }, "win32-x64"],
  [{ platform: "linux", arch: "arm64", execPath: "/musl" }, "linux-arm64-"],
])("%j asks for %s", (as, name) => {
  const { tried, platform, arch } = load({ as });
  expect(tried).toHaveLength(1);
  expect(tried[0].name).toContain(full(name));
  expect({ platform, arch }).toMatchObject({ platform: as.platform, arch: as.arch });
});

test("a platform without a package is told so", () => {
  const { tried, remedy } = load({ as: { platform: "freebsd", arch: "riscv64" } });
  expect(tried).toEqual([
    { name: full("freebsd-riscv64"), reason: "no such package: this platform has no prebuilt addon" },
  ]);
  expect(remedy).toMatch(/^`npm run build` in a checkout of PixelCal/);
});

test("PIXELCAL_ADDON is used alone", () => {
  install(here);
  expect(load({ env: { PIXELCAL_ADDON: built } }).origin).toBe(built);
  expect(load({ env: { PIXELCAL_ADDON: "missing.node" } })).toMatchObject({
    code: "ERR_PIXELCAL_ADDON_NOT_LOADED",
    remedy: "unset PIXELCAL_ADDON",
    tried: [{ name: join(folder, "missing.node") }],
  });
});

test("a checkout uses its own build", () => {
  writeFileSync(join(folder, "node_modules", "@pixelcal", "native", "CMakeLists.txt"), "");
  install(here);
  expect(load()).toMatchObject({ code: "ERR_PIXELCAL_ADDON_NOT_LOADED", remedy: "npm run build" });
});
