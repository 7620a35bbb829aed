import { checkOptions } from "@pixelcal/core";
import type { Model } from "./model.js";
import { type UNetOptions, unet, unetNames } from "./unet.js";

/**
 * Describes the SDC repository's 2-D U-Net: images [N, channels, H, W] to logits [N, classes, H, W]; base 32
 * by default.
 */
export function unet2d(options: UNetOptions): Model {
  checkOptions("options", options, unetNames);
  const { channels = 1, classes, base = 32, deepSupervision = false, seed = 0 } = options;
  return unet(2, { channels, classes, base, deepSupervision, seed });
}
