// The platform that this process runs on, in the words of the prebuilt packages' names.
const { closeSync, openSync, readSync } = require("node:fs");

/** Returns the C library of this process on Linux, "glibc" or "musl"; undefined on other systems. */
function libcFamily() {
  if (process.platform !== "linux") return undefined;
  return interpreter() ?? (reportedGlibc() === undefined ? "musl" : "glibc");
}

// A dynamically linked program names its loader near its beginning; reading that takes no time.
function interpreter() {
  try {
    const head = Buffer.alloc(2048);
    const file = openSync(process.execPath, "r");
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
    if (head.includes("/ld-musl-")) return "musl";
    return head.includes("/ld-linux") ? "glibc" : undefined;
  } catch {
    return undefined;
  }
}

function reportedGlibc() {
  return process.report?.getReport().header?.glibcVersionRuntime;
}

/**
 * Returns the prebuilt addons that can run here, the preferred one first, as names without
 * "@pixelcal/native-".
 */
function prebuiltNames(libc = libcFamily()) {
  const { platform, arch } = process;
  const base = `${platform}-${arch}`;
  if (platform !== "linux") return [base];
  return base === "linux-x64" && libc === "glibc" ? [`${base}-cuda`, `${base}-glibc`] : [`${base}-${libc}`];
}

/** Returns what an error says about this process: system, processor, C library, Node. */
function here() {
  const libc = libcFamily();
  const version = libc === "glibc" ? reportedGlibc() : undefined;
  return {
    platform: process.platform,
    arch: process.arch,
    libc: version === undefined ? libc : `${libc} ${version}`,
    node: process.versions.node,
  };
}

module.exports = { here, prebuiltNames };
