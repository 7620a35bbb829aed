import type { Model } from "./model.js";
import { type UNetOptions, unet } from "./unet.js";

/** The SDC repository's 2-D U-Net: images [N, channels, H, W] to logits [N, classes, H, W]; base 32 by default. */
export function unet2d({ channels = 1, classes, base = 32, seed = 0 }: UNetOptions): Model {
  return unet(2, { channels, classes, base, seed });
}
