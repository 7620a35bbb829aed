import { checkChoice } from "../check.js";

const bothEmptyChoices = ["undefined", "perfect"] as const;
const oneEmptyChoices = ["worst", "diagonal", "undefined"] as const;

/** The scores of a region that is empty in a mask; overlap and surface distances share these two options. */
export interface EmptyPolicy {
  /**
   * The scores of a region that is in neither mask: `undefined` gives NaN, and the case counts as undefined
   * and in no mean; `perfect` gives Dice, IoU and NSD of 1 and distances of 0.
   */
  readonly bothEmpty?: (typeof bothEmptyChoices)[number];
  /**
   * The scores of a region that is in one mask only, a missed or an invented object: `worst` gives Dice, IoU
   * and NSD of 0 and distances of Infinity; `diagonal` gives the same with the image's diagonal in physical
   * units as the distance; `undefined` gives NaN, and the case counts as undefined.
   */
  readonly oneEmpty?: (typeof oneEmptyChoices)[number];
}

/** Throws unless each policy is absent or one of its choices. */
export function checkEmptyPolicy({ bothEmpty, oneEmpty }: EmptyPolicy): void {
  checkChoice("bothEmpty", bothEmpty, bothEmptyChoices);
  checkChoice("oneEmpty", oneEmpty, oneEmptyChoices);
}
