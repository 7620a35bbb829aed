import { portableMath, type Random } from "@pixelcal/core";

const { atan2, cos, square } = portableMath;

/** Returns a number within [low, high). */
export const between = (random: Random, low: number, high: number): number =>
  low + (high - low) * random.uniform();

/** A smooth function of an angle, 1 on average, as its values at equal steps around the circle. */
export type Wave = Float64Array;

const waveSteps = 1024;

/** Returns a wave 1 + sum of a_k cos(k angle + phase_k), amplitudes uniform up to those given per k. */
export function wave(random: Random, amplitudes: Readonly<Record<number, number>>): Wave {
  const terms = Object.entries(amplitudes).map(
    ([k, largest]) => [Number(k), largest * random.uniform(), between(random, 0, 2 * Math.PI)] as const,
  );
  return Float64Array.from({ length: waveSteps + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / waveSteps;
    return terms.reduce((sum, [k, amplitude, phase]) => sum + amplitude * cos(k * angle + phase), 1);
  });
}

/** Returns a wave's value at an angle in radians. */
export function at(shape: Wave, angle: number): number {
  const turns = angle / (2 * Math.PI);
  const position = (turns - Math.floor(turns)) * waveSteps;
  const step = Math.min(Math.floor(position), waveSteps - 1);
  return shape[step]! + (position - step) * (shape[step + 1]! - shape[step]!);
}

/**
 * A heart in the short-axis view. Lengths in mm; x to the right and y down from the middle of the image; the
 * level runs from 0 at the mitral valve to 1 at the apex.
 */
export interface Anatomy {
  /** The middle of the left ventricle at level 0.5, and its shift from base to apex. */
  readonly center: readonly [number, number];
  readonly drift: readonly [number, number];
  /** The direction of the septum, from the middle of the left ventricle. */
  readonly septum: number;
  /** The length from valve to apex. */
  readonly length: number;
  /** The radius of the left ventricle's cavity at level 0, its shape, and the thickness of its wall. */
  readonly cavity: number;
  readonly cavityShape: Wave;
  readonly wall: number;
  readonly wallShape: Wave;
  /** The right ventricle: its reach from the septum, its half angle and its lean. */
  readonly bulge: number;
  readonly opening: number;
  readonly lean: number;
  readonly bulgeShape: Wave;
  /** The level at which the right ventricle ends. */
  readonly bulgeEnd: number;
  /**
   * The spread of observers' contours in mm, and its variation around: cavity border, outer border, right
   * ventricle.
   */
  readonly spread: readonly [number, number, number];
  readonly spreadShapes: readonly [Wave, Wave, Wave];
}

export function drawAnatomy(random: Random): Anatomy {
  const cavity = between(random, 17, 30);
  // Wide cavities tend to thin walls and narrow ones to thick walls, as in dilated and hypertrophic hearts.
  const wall = between(random, 6, 10) + (30 - cavity) * between(random, 0, 0.45);
  const observer = between(random, 0.9, 2.3);
  return {
    center: [between(random, -6, 26), between(random, -16, 12)],
    drift: [between(random, -2, 10), between(random, -4, 10)],
    septum: Math.PI + between(random, -0.35, 0.75),
    length: between(random, 78, 100),
    cavity,
    cavityShape: wave(random, { 1: 0.03, 2: 0.09, 3: 0.04, 4: 0.02, 5: 0.015 }),
    wall,
    wallShape: wave(random, { 1: 0.28, 2: 0.12, 3: 0.06 }),
    bulge: between(random, 17, 34),
    opening: between(random, 1.2, 1.6),
    lean: between(random, -0.25, 0.45),
    bulgeShape: wave(random, { 2: 0.06, 3: 0.08, 5: 0.03 }),
    bulgeEnd: between(random, 0.78, 0.95),
    spread: [
      observer * between(random, 0.6, 1),
      observer * between(random, 0.9, 1.4),
      observer * between(random, 1, 1.7),
    ],
    spreadShapes: [
      wave(random, { 1: 0.4, 2: 0.25, 3: 0.1 }),
      wave(random, { 1: 0.5, 2: 0.25, 3: 0.1 }),
      wave(random, { 1: 0.35, 2: 0.3, 4: 0.15 }),
    ],
  };
}

/** Returns the radius of an ellipsoid cut at u (0 its equator, 1 its pole); falls below 0 beyond the pole. */
function profile(u: number): number {
  return u < 1 ? Math.sqrt(1 - u * u) : 3 * (1 - u);
}

/** The borders as seen from one point. */
export interface Borders {
  /**
   * The distance in mm from the cavity's border, the left ventricle's outer border and the right ventricle's,
   * each negative inside.
   */
  readonly cavity: number;
  readonly outer: number;
  readonly right: number;
  /** The spread of observers' contours at the three borders, in mm. */
  readonly spread: readonly [number, number, number];
  /** The polar coordinates about the left ventricle; the angle is 0 towards the septum. */
  readonly radius: number;
  readonly angle: number;
}

/**
 * Returns a distance that no border reaches, in mm from the left ventricle's middle, with room for its
 * spread.
 */
const farthest = ({ cavity, wall, bulge }: Anatomy): number => 1.3 * (cavity + 1.5 * wall) + 1.2 * bulge + 35;
const far = (radius: number): Borders => ({
  cavity: 99,
  outer: 99,
  right: 99,
  spread: [1, 1, 1],
  radius,
  angle: 0,
});

/** The distance of the crescent behind the outer border where there is no right ventricle. */
const retreat = 9;

export function bordersAt(anatomy: Anatomy, x: number, y: number, level: number): Borders {
  const dx = x - anatomy.center[0] - anatomy.drift[0] * (level - 0.5);
  const dy = y - anatomy.center[1] - anatomy.drift[1] * (level - 0.5);
  const radius = Math.sqrt(dx * dx + dy * dy);
  if (radius > farthest(anatomy)) return far(radius);
  const turned = atan2(dy, dx) - anatomy.septum;
  const angle = turned - 2 * Math.PI * Math.round(turned / (2 * Math.PI));
  const { cavity, wall } = anatomy;
  const inner = cavity * profile(0.1 + 0.96 * level) * at(anatomy.cavityShape, angle);
  const thickness = wall * at(anatomy.wallShape, angle);
  // The wall keeps its thickness until the cavity ends and then closes.
  const outer =
    (cavity + wall) * profile(0.1 + 0.9 * level) * at(anatomy.cavityShape, angle) + thickness - wall;
  const right = outer + crescent(anatomy, angle, level);
  // Contours are least certain towards the apex, where the slice cuts the wall obliquely.
  const slant = 1 + 0.8 * Math.max(0, level - 0.65);
  const spread = anatomy.spread.map(
    (width, i) => width * slant * Math.max(0.35, at(anatomy.spreadShapes[i]!, angle)),
  ) as [number, number, number];
  return { cavity: radius - inner, outer: radius - outer, right: radius - right, spread, radius, angle };
}

/**
 * Returns the reach of the right ventricle beyond the left one's outer border; negative where there is none.
 */
function crescent(anatomy: Anatomy, angle: number, level: number): number {
  const fade = level < anatomy.bulgeEnd ? Math.sqrt(1 - square(level / anatomy.bulgeEnd)) : 0;
  const half = anatomy.opening * (0.6 + 0.4 * fade);
  const leaning = (angle + anatomy.lean * (1 - square(angle / Math.PI))) / half;
  // The profile is flat towards the septum, where it is 1, reaches 0 at the half angle, and keeps falling.
  const off = square(leaning);
  const height = Math.max(1 - (0.45 + 0.55 * off) * off, -1);
  return height > 0
    ? anatomy.bulge * fade * height * at(anatomy.bulgeShape, angle) - retreat * (1 - fade) * (1 - height)
    : retreat * height - retreat * (1 - fade);
}
