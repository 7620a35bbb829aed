// Finds and loads the compiled addon: the local build first, then the prebuilt package of this platform.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const candidates = [
  // For tests: an addon built otherwise, for example with the emulated CUDA device.
  ...(process.env.PIXELCAL_ADDON ? [process.env.PIXELCAL_ADDON] : []),
  fileURLToPath(new URL("./build/Release/pixelcal.node", import.meta.url)),
  `@pixelcal/native-${process.platform}-${process.arch}`,
];

function load() {
  const failures = [];
  for (const candidate of candidates) {
    try {
      return require(candidate);
    } catch (error) {
      failures.push(`  ${candidate}: ${error.message.split("\n")[0]}`);
    }
  }
  throw new Error(
    `PixelCal's native addon could not be loaded. Build it with "npm run build". Tried:\n${failures.join("\n")}`,
  );
}

export default load();
