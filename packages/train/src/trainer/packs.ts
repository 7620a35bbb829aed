import type { Pack } from "./pack.js";

/** The packs of a model's weights in device memory. */
export interface Packs {
  readonly trained: readonly Pack[];
  readonly frozen: readonly Pack[];
  readonly buffers: readonly Pack[];
}

export const allPacks = ({ trained, frozen, buffers }: Packs): readonly Pack[] => [
  ...trained,
  ...frozen,
  ...buffers,
];
