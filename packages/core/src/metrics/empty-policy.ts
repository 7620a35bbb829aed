import { checkChoice } from "../check.js";

const bothEmptyChoices = ["undefined", "perfect"] as const;
const oneEmptyChoices = ["worst", "diagonal", "undefined"] as const;

/** The scores of a region that is empty in a mask; the same two options for overlaps and surface distances. */
export interface EmptyPolicy {
  /**
   * A region that is in neither mask: `undefined` gives NaN, a case that is counted as undefined and in no mean; `perfect`
   * gives Dice, IoU and NSD of 1 and distances of 0.
   */
  readonly bothEmpty?: (typeof bothEmptyChoices)[number];
  /**
   * A region that is in one mask only, a missed or an invented object: `worst` gives Dice, IoU and NSD of 0 and distances
   * of Infinity; `diagonal` the same with the image's diagonal in physical units as distance; `undefined` gives NaN,
   * counted as undefined.
   */
  readonly oneEmpty?: (typeof oneEmptyChoices)[number];
}

/** Throws unless both policies are absent or known. */
export function checkEmptyPolicy({ bothEmpty, oneEmpty }: EmptyPolicy): void {
  checkChoice("bothEmpty", bothEmpty, bothEmptyChoices);
  checkChoice("oneEmpty", oneEmpty, oneEmptyChoices);
}
