import { portableMath, type Random } from "@pixelcal/core";
import { type Anatomy, bordersAt } from "./anatomy.js";
import { gaussianField } from "./field.js";
import { type Grid, inPixels, levelOf } from "./grid.js";

const { normalCdf } = portableMath;

/**
 * The chances of decisions are whole multiples of 1 / steps, so that products of two are exact in float32.
 */
const steps = 4096;
/** The distance along a border, in mm, over which an observer's deviation keeps its sign. */
const reach = 11;

/**
 * The probabilities of yes to the three questions that an observer decides in turn for each pixel: within the
 * left ventricle's outer border? if so, within its cavity? if not, within the right ventricle?
 */
export interface Decisions {
  readonly outer: Float64Array;
  readonly cavity: Float64Array;
  readonly right: Float64Array;
  /** The probability per slice that it lies below the valve at all. */
  readonly present: Float64Array;
}

const rounded = (p: number): number => Math.round(p * steps) / steps;

/** The spread in mm of the plane of the valve among observers. */
const valveSpread = 1.5;

/**
 * Returns the chance of each decision. An observer's contour is the true border displaced by spread * Z, Z
 * standard normal: a pixel at signed distance d from the border lies within the contour with probability
 * Phi(-d / spread).
 */
export function decisionsOf(anatomy: Anatomy, grid: Grid): Decisions {
  const count = grid.slices * grid.rows * grid.columns;
  const decisions = {
    outer: new Float64Array(count),
    cavity: new Float64Array(count),
    right: new Float64Array(count),
  };
  const present = new Float64Array(grid.slices);
  for (let k = 0, i = 0; k < grid.slices; k++) {
    const level = levelOf(grid, anatomy, k);
    present[k] = grid.single ? 1 : rounded(normalCdf((level * anatomy.length) / valveSpread));
    for (let row = 0; row < grid.rows; row++) {
      for (let column = 0; column < grid.columns; column++, i++) {
        const borders = bordersAt(anatomy, grid.x(column), grid.y(row), level);
        const chance = (distance: number, spread: number): number => {
          const z = -distance / spread;
          return z > 4 ? 1 : z < -4 ? 0 : rounded(normalCdf(z));
        };
        decisions.outer[i] = chance(borders.outer, borders.spread[1]);
        decisions.cavity[i] = chance(borders.cavity, borders.spread[0]);
        decisions.right[i] = chance(borders.right, borders.spread[2]);
      }
    }
  }
  return { ...decisions, present };
}

/**
 * Returns the chance of each class per pixel, [4, ...]: background, right ventricle, myocardium, left
 * ventricle. The chances sum to one.
 */
export function classChances({ outer, cavity, right, present }: Decisions): Float32Array {
  const count = outer.length;
  const perSlice = count / present.length;
  const chances = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const here = present[Math.floor(i / perSlice)]!;
    const within = here * outer[i]!;
    chances[count + i] = (here - within) * right[i]!;
    chances[2 * count + i] = within * (1 - cavity[i]!);
    chances[3 * count + i] = within * cavity[i]!;
    chances[i] = 1 - chances[count + i]! - within;
  }
  return chances;
}

/**
 * Draws one observer's labels. Every decision compares its chance with Phi(Z) of a smooth standard normal
 * field Z of its own: Phi(Z) is uniform, so each pixel's label has exactly the stored chances, while
 * neighbours err together, as a hand-drawn contour does.
 */
export function drawLabels(
  { outer, cavity, right, present }: Decisions,
  grid: Grid,
  random: Random,
): Uint8Array {
  const size = [grid.slices, grid.rows, grid.columns];
  const deviation = inPixels(grid, reach / Math.SQRT2);
  const field = (name: string): Float64Array => gaussianField(size, deviation, random.split(name));
  const [zOuter, zCavity, zRight] = [field("outer"), field("cavity"), field("right")];
  const valve = normalCdf(random.split("valve").normal());
  const perSlice = grid.rows * grid.columns;
  return Uint8Array.from(outer, (chance, i) => {
    if (valve >= present[Math.floor(i / perSlice)]!) return 0;
    if (yes(chance, zOuter[i]!)) return yes(cavity[i]!, zCavity[i]!) ? 3 : 2;
    return yes(right[i]!, zRight[i]!) ? 1 : 0;
  });
}

const yes = (chance: number, z: number): boolean => chance === 1 || (chance > 0 && normalCdf(z) < chance);
