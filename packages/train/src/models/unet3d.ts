import type { Model } from "./model.js";
import { type UNetOptions, unet } from "./unet.js";

/** The SDC repository's 3-D U-Net: images [N, channels, D, H, W] to logits [N, classes, D, H, W]; base 16 by default. */
export function unet3d({ channels = 1, classes, base = 16, seed = 0 }: UNetOptions): Model {
  return unet(3, { channels, classes, base, seed });
}
