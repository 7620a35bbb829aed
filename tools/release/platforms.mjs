// The prebuilt addons, one package each: the machines that a package manager installs it on, and what builds
// it.
import { spawnSync } from "node:child_process";
import { zigTools } from "./zig.mjs";

const has = (command, args = ["--version"]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
const here = `${process.platform}-${process.arch}`;
const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;

/** Returns a compiler on the path, or `{ missing }` with the Debian package that has it. */
const onPath = (compiler, debian) => () =>
  has(compiler) ? { compiler } : { missing: `${compiler}; on Debian: apt install ${debian}` };

/** Returns Zig's compiler, which brings the C++ libraries of musl and Windows along. */
const zig = (target) => () => zigTools(target) ?? { missing: "Zig, which comes from the registry" };

/** Returns the compiler of a Linux addon, that of its machine or one for it; else what is missing here. */
function linux(cpu, libc, cross, options = cpuOnly) {
  if (process.platform !== "linux") return { missing: "a Linux machine" };
  const native = here === `linux-${cpu}` && musl === (libc === "musl");
  const tools = native ? onPath("c++", "g++")() : cross();
  if (tools.missing !== undefined) return { missing: tools.missing };
  return {
    compiler: tools.compiler,
    stubs: libc === "glibc",
    options: [...options, ...(native ? [] : crossOptions("Linux", processors[cpu], tools))],
  };
}

const processors = { arm64: "aarch64", x64: "x86_64" };

const crossOptions = (system, processor, { compiler, ar, ranlib }) => [
  `CMAKE_SYSTEM_NAME=${system}`,
  `CMAKE_SYSTEM_PROCESSOR=${processor}`,
  `CMAKE_CXX_COMPILER=${compiler}`,
  ...(ar === undefined ? [] : [`CMAKE_AR=${ar}`, `CMAKE_RANLIB=${ranlib}`]),
];

/** Returns Zig's compiler for Windows, also there: Microsoft's compiles none of the vector loops. */
function windows() {
  const tools = zig("x86_64-windows-gnu")();
  if (tools.missing !== undefined) return { missing: tools.missing };
  return {
    compiler: tools.compiler,
    windowsNodeApi: true,
    options: [...cpuOnly, ...crossOptions("Windows", "AMD64", tools)],
  };
}

/** The addons for macOS are built there: what Zig links shows its own `operator new` to other libraries. */
const own = (platform) =>
  here === platform ? { compiler: "c++", options: cpuOnly } : { missing: `a ${platform} machine` };

const cpuOnly = ["PIXELCAL_CUDA=OFF"];
/** Machine code for every kind of card since 2018, and PTX for those to come. */
const cuda = [
  "PIXELCAL_CUDA_ARCHITECTURES=75-real;80-real;86-real;89-real;90-real;100-real;120-real;120-virtual",
];

/**
 * The platforms by the names of their packages without "@pixelcal/native-". `build()` tells the compiler and
 * CMake's options, or what is missing here.
 */
export const platforms = {
  "linux-x64-glibc": {
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    build: () => linux("x64", "glibc", onPath("x86_64-linux-gnu-g++", "g++-x86-64-linux-gnu")),
  },
  "linux-x64-musl": {
    os: "linux",
    cpu: "x64",
    libc: "musl",
    build: () => linux("x64", "musl", zig("x86_64-linux-musl")),
  },
  "linux-arm64-glibc": {
    os: "linux",
    cpu: "arm64",
    libc: "glibc",
    build: () => linux("arm64", "glibc", onPath("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu")),
  },
  "linux-arm64-musl": {
    os: "linux",
    cpu: "arm64",
    libc: "musl",
    build: () => linux("arm64", "musl", zig("aarch64-linux-musl")),
  },
  "darwin-arm64": { os: "darwin", cpu: "arm64", build: () => own("darwin-arm64") },
  "darwin-x64": { os: "darwin", cpu: "x64", build: () => own("darwin-x64") },
  "win32-x64": { os: "win32", cpu: "x64", build: windows },
  "linux-x64-cuda": {
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    /** Nobody gets it without asking for it. */
    optIn: true,
    build: () =>
      has("nvcc")
        ? linux("x64", "glibc", onPath("x86_64-linux-gnu-g++", "g++-x86-64-linux-gnu"), cuda)
        : { missing: "nvcc 13, of the CUDA toolkit" },
  },
};
