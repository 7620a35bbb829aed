const { here } = require("./platform.cjs");

/**
 * The native addon could not be loaded. The message and the fields name the system, the processor, the C
 * library and the Node found, what was tried with each failure, and the one command that mends it.
 */
class AddonError extends Error {
  /** `tried` has a `{ name, reason }` for each attempt; `remedy` is what to do. */
  constructor(tried, remedy, options) {
    const { platform, arch, libc, node } = here();
    const found = [platform, arch, libc, `Node ${node}`].filter(Boolean).join(", ");
    const attempts = tried.map(({ name, reason }) => `\n  tried ${name}: ${reason}`);
    super(`native addon: does not load on ${found}${attempts.join("")}\n  to mend it: ${remedy}`, options);
    this.name = "AddonError";
    this.code = "ERR_PIXELCAL_ADDON_NOT_LOADED";
    Object.assign(this, { platform, arch, libc, node, tried, remedy });
  }
}

module.exports = { AddonError };
