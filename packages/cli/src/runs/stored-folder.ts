import { join } from "node:path";
import { npzNames } from "@pixelcal/io";
import type { Replaceable } from "../replace-folder.js";

/**
 * A folder of predictions, which new ones may replace. Cases have the same endings as predictions, and must
 * not be replaced.
 */
export const predictionFolder: Replaceable = {
  what: "predictions",
  async matches(names, folder) {
    const archives = names.filter((name) => name.endsWith(".npz"));
    const [first] = archives;
    if (first === undefined) return false;
    const held = await npzNames(join(folder, first));
    if (archives.length === names.length && held.includes("probs")) return true;
    const described = names.includes("dataset.json") || names.every((name) => /\.(npz|json|pkl)$/.test(name));
    return described && held.length === 1 && held[0] === "probabilities";
  },
};
