// Runs before any package manager packs a package of this repository, in its folder: one that is not built
// would be published empty, and native's manifest is written by `npm run release:pack` alone.
import { readFileSync } from "node:fs";
import { checkBuilt } from "./pack.mjs";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
try {
  if (manifest.name === "@pixelcal/native")
    throw new Error(
      "@pixelcal/native: packed by `npm run release:pack`, which adds the packages of the addons",
    );
  checkBuilt(process.cwd(), manifest);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
