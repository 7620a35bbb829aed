// The prebuilt addons, one package each: the machines that a package manager installs it on, and what builds
// it.
import { spawnSync } from "node:child_process";

const has = (command, args = ["--version"]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
const here = `${process.platform}-${process.arch}`;
const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;

/** Returns a compiler on the path, or `{ missing }` with the Debian package that has it. */
const onPath = (compiler, debian) => () =>
  has(compiler) ? { compiler } : { missing: `${compiler}; on Debian: apt install ${debian}` };

// Debian has no C++ library for musl to cross-compile with.
const onMusl = () => ({ missing: "a machine with musl, such as Alpine" });

/** Returns the compiler of a Linux addon, that of its machine or one for it; else what is missing here. */
function linux(cpu, libc, cross, options = cpuOnly) {
  if (process.platform !== "linux") return { missing: "a Linux machine" };
  const native = here === `linux-${cpu}` && musl === (libc === "musl");
  const { compiler, missing } = native ? onPath("c++", "g++")() : cross();
  if (missing !== undefined) return { missing };
  return {
    compiler,
    stubs: libc === "glibc",
    options: [...options, ...(native ? [] : crossOptions(cpu, compiler))],
  };
}

const crossOptions = (cpu, compiler) => [
  "CMAKE_SYSTEM_NAME=Linux",
  `CMAKE_SYSTEM_PROCESSOR=${{ arm64: "aarch64", x64: "x86_64" }[cpu]}`,
  `CMAKE_CXX_COMPILER=${compiler}`,
];

/** Elsewhere an addon is built on its own kind of machine. */
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
    build: () => linux("x64", "musl", onMusl),
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
    build: () => linux("arm64", "musl", onMusl),
  },
  "darwin-arm64": { os: "darwin", cpu: "arm64", build: () => own("darwin-arm64") },
  "darwin-x64": { os: "darwin", cpu: "x64", build: () => own("darwin-x64") },
  "win32-x64": { os: "win32", cpu: "x64", build: () => own("win32-x64") },
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
