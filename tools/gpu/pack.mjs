// Packs what a machine with a card but without Node and network needs for gpu-check: Node itself, the built
// addon and packages with the packages that they import, the sources of the C++ tests, and the scripts.
//   npm run gpu-check -- --pack FILE.tar.xz
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The most that the archive may weigh. */
const limit = 60 * 2 ** 20;
const root = fileURLToPath(new URL("../..", import.meta.url));
const out = resolve(process.argv[2] ?? join(root, "build", "gpu-check.tar.xz"));

const home = mkdtempSync(join(tmpdir(), "gpu-check-"));
const folder = join(home, "gpu-check");
const modules = join(folder, "node_modules");
const manifest = (path) => JSON.parse(readFileSync(join(path, "package.json"), "utf8"));

/** Copies a package, and those that it imports, into node_modules. */
const packed = new Set();
function pack(name, from) {
  if (packed.has(name)) return;
  packed.add(name);
  const require = createRequire(join(from, "package.json"));
  const found = require.resolve
    .paths(name)
    .map((path) => join(path, name))
    .find((path) => statSync(path, { throwIfNoEntry: false }));
  if (found === undefined) throw new Error(`${name}: not installed`);
  const source = realpathSync(found);
  const { dependencies = {} } = manifest(source);
  const own = name.startsWith("@pixelcal/");
  cpSync(source, join(modules, name), {
    recursive: true,
    filter: (path) => {
      const inside = path.slice(source.length);
      if (own) return inside === "" || /^\/(package\.json|dist|[\w-]+\.c?js)(\/|$)/.test(inside);
      // Other systems' binaries, sources and maps.
      return !/\/(node_modules|darwin|win32|arm64|lib)(\/|$)|\.(map|ts|md)$/.test(inside);
    },
  });
  for (const dependency of Object.keys(dependencies)) pack(dependency, source);
}

try {
  mkdirSync(modules, { recursive: true });
  const benchmarks = join(root, "benchmarks");
  for (const name of ["@pixelcal/core", "@pixelcal/losses", "@pixelcal/train"]) pack(name, benchmarks);
  pack("onnxruntime-node", join(root, "packages", "train"));
  cpSync(process.execPath, join(folder, "node"));
  for (const path of [
    "native/CMakeLists.txt",
    "native/package.json",
    "native/src",
    "native/test",
    "native/build/Release/pixelcal.node",
    "tools/gpu",
    "benchmarks/gpu",
    "benchmarks/reference-networks.mjs",
    "benchmarks/peers/training_step.py",
  ])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  const { stdout } = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" });
  writeFileSync(join(folder, "commit.txt"), stdout);
  mkdirSync(dirname(out), { recursive: true });
  const { status } = spawnSync("tar", ["-C", home, "-cJf", out, "gpu-check"], {
    stdio: "inherit",
    env: { ...process.env, XZ_OPT: "-6 -T2" },
  });
  if (status !== 0) throw new Error("tar failed");
} finally {
  rmSync(home, { recursive: true });
}
const { size } = statSync(out);
console.log(`${out}: ${(size / 2 ** 20).toFixed(1)} MiB. On the machine with the card:
  tar -xJf ${out.split("/").at(-1)} && bash gpu-check/tools/gpu/check.sh
It needs the driver, CUDA 13, cmake and c++; python3 with CuPy and PyTorch is compared where it is there.`);
if (size > limit) {
  console.error(`gpu-check: the archive is larger than ${limit / 2 ** 20} MiB.`);
  process.exitCode = 1;
}
