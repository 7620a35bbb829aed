import { checkOptions } from "@pixelcal/core";
import type { Model } from "./model.js";
import { type UNetOptions, unet, unetNames } from "./unet.js";

/**
 * Describes the SDC repository's 3-D U-Net: images [N, channels, D, H, W] to logits [N, classes, D, H, W];
 * base 16 by default.
 */
export function unet3d(options: UNetOptions): Model {
  checkOptions("options", options, unetNames);
  const { channels = 1, classes, base = 16, deepSupervision = false, seed = 0 } = options;
  return unet(3, { channels, classes, base, deepSupervision, seed });
}
