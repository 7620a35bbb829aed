// Finds and loads the compiled addon: the file that PIXELCAL_ADDON names, or the build of this checkout, or
// the prebuilt package of this platform. Exactly one of the three is used: nothing falls back silently.
const { existsSync } = require("node:fs");
const { join, resolve } = require("node:path");
const { AddonError } = require("./addon-error.cjs");
const { prebuiltNames } = require("./platform.cjs");
const { version } = require("./package.json");

const scope = "@pixelcal/native-";
const buildIt = "`npm run build` in a checkout of PixelCal, with PIXELCAL_ADDON naming the file it makes";

// The names are literal, and inside `try`: file tracers then follow them, and bundlers take a package that is
// not installed for optional.
function prebuilt(name) {
  try {
    switch (name) {
      case "linux-x64-cuda":
        return { addon: require("@pixelcal/native-linux-x64-cuda") };
      case "linux-x64-glibc":
        return { addon: require("@pixelcal/native-linux-x64-glibc") };
      case "linux-x64-musl":
        return { addon: require("@pixelcal/native-linux-x64-musl") };
      case "linux-arm64-glibc":
        return { addon: require("@pixelcal/native-linux-arm64-glibc") };
      case "linux-arm64-musl":
        return { addon: require("@pixelcal/native-linux-arm64-musl") };
      case "darwin-arm64":
        return { addon: require("@pixelcal/native-darwin-arm64") };
      case "darwin-x64":
        return { addon: require("@pixelcal/native-darwin-x64") };
      case "win32-x64":
        return { addon: require("@pixelcal/native-win32-x64") };
      default:
        return { reason: "no such package: this platform has no prebuilt addon" };
    }
  } catch (cause) {
    // The one package manager without node_modules has an error of its own for it.
    const absent = cause.message.includes(`'${scope}${name}'`) || cause.pnpCode !== undefined;
    const missing = cause.code === "MODULE_NOT_FOUND" && absent;
    return { cause, missing, reason: missing ? "not installed" : firstLine(cause) };
  }
}

const firstLine = (error) => String(error?.message ?? error).split("\n")[0];

/** Returns the addon, which learns where it came from, if it was built for this version of the loader. */
function checked(addon, name, remedy) {
  if (addon.version === version) return Object.assign(addon, { origin: name });
  const reason = `is version ${addon.version ?? "unknown"}; ${version} is needed`;
  throw new AddonError([{ name, reason }], remedy);
}

function fromFile(file, remedy) {
  let addon;
  try {
    addon = require(file);
  } catch (cause) {
    throw new AddonError([{ name: file, reason: firstLine(cause) }], remedy, { cause });
  }
  return checked(addon, file, remedy);
}

function fromPackages() {
  const tried = [];
  for (const name of prebuiltNames()) {
    const full = scope + name;
    const found = prebuilt(name);
    // The CUDA addon is opt-in: its absence is no failure, but one that is installed has to load.
    const optIn = name.endsWith("-cuda");
    if (optIn && found.missing) continue;
    const install = `npm install ${full}@${version}`;
    if (found.addon) return checked(found.addon, full, install);
    // A system library that is too old stays so whatever is installed.
    const instead = found.reason.includes("GLIBC") ? buildIt : install;
    const remedy = optIn ? `npm uninstall ${full}` : instead;
    tried.push({ name: full, reason: found.reason });
    if (found.cause) throw new AddonError(tried, remedy, { cause: found.cause });
  }
  throw new AddonError(tried, buildIt);
}

function load() {
  const chosen = process.env.PIXELCAL_ADDON;
  if (chosen) return fromFile(resolve(chosen), "unset PIXELCAL_ADDON");
  // Published packages have no build of their own.
  if (existsSync(join(__dirname, "CMakeLists.txt")))
    return fromFile(join(__dirname, "build", "Release", "pixelcal.node"), "npm run build");
  return fromPackages();
}

module.exports = load();
