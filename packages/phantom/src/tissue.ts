import { portableMath, type Random } from "@pixelcal/core";
import { type Anatomy, at, type Borders, between, bordersAt, type Wave, wave } from "./anatomy.js";

const { cos, sin, square } = portableMath;

/** The signal of each tissue, blood about 1. */
interface Signals {
  readonly leftBlood: number;
  readonly rightBlood: number;
  readonly muscle: number;
  readonly fat: number;
  readonly lung: number;
  readonly liver: number;
  readonly soft: number;
}

/** An ellipse with a soft edge. */
interface Blob {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly cosine: number;
  readonly sine: number;
  readonly signal: number;
}

/**
 * A border across the image: the tissue beyond `distance` mm from the middle in one direction, wavy along the
 * border.
 */
interface Edge {
  readonly cosine: number;
  readonly sine: number;
  readonly distance: number;
  readonly waviness: number;
  readonly shape: Wave;
}

/** The surroundings of the heart and the signal of every tissue. Lengths in mm, as in `Anatomy`. */
export interface Scene {
  readonly signals: Signals;
  readonly chest: Edge;
  readonly skin: number;
  readonly lung: Edge;
  readonly diaphragm: Edge;
  readonly blobs: readonly Blob[];
  readonly papillary: readonly { readonly angle: number; readonly depth: number; readonly size: number }[];
  /** The thickness of the fat around the heart and its variation around it. */
  readonly fat: number;
  readonly fatShape: Wave;
  /** The thickness of the right ventricle's wall. */
  readonly rightWall: number;
  /** The smallest width of a visible border. */
  readonly sharpness: number;
}

function drawEdge(random: Random, direction: number, distance: number, waviness: number): Edge {
  const shape = wave(random, { 1: 1, 2: 0.7, 3: 0.4 });
  return { cosine: cos(direction), sine: sin(direction), distance, waviness, shape };
}

function drawBlob(random: Random, x: number, y: number, width: number, height: number, signal: number): Blob {
  const turn = between(random, 0, Math.PI);
  return { x, y, width, height, cosine: cos(turn), sine: sin(turn), signal };
}

/** Draws the descending aorta, vessels of lung and liver, and ribs. */
function drawBlobs(random: Random, signals: Signals): Blob[] {
  const within = (low: number, high: number): number => between(random, low, high);
  const round = (x: number, y: number, size: number, signal: number): Blob =>
    drawBlob(random, x, y, size, size * within(0.7, 1.2), signal);
  const some = (count: number, make: () => Blob): Blob[] => Array.from({ length: count }, make);
  return [
    round(within(42, 68), within(50, 74), within(9, 13), signals.leftBlood * within(0.8, 1.05)),
    ...some(9, () => round(within(45, 100), within(-85, 45), within(1.2, 3.2), within(0.25, 0.7))),
    ...some(7, () => round(within(-95, 20), within(58, 98), within(1.5, 4), within(0.6, 0.95))),
    ...some(3, () => {
      const along = within(-70, 50);
      const [x, y] = [0.35 * along - 62, -0.35 * along - 62];
      return drawBlob(random, x, y, within(6, 10), within(2.5, 4.5), within(0.15, 0.5));
    }),
  ];
}

export function drawScene(random: Random): Scene {
  const signals: Signals = {
    leftBlood: between(random, 0.85, 1.05),
    rightBlood: between(random, 0.75, 1),
    muscle: between(random, 0.26, 0.42),
    fat: between(random, 0.65, 1),
    lung: between(random, 0.05, 0.13),
    liver: between(random, 0.36, 0.55),
    soft: between(random, 0.3, 0.5),
  };
  return {
    signals,
    chest: drawEdge(random, 1.25 * Math.PI + between(random, -0.3, 0.3), between(random, 62, 80), 5),
    skin: between(random, 6, 16),
    lung: drawEdge(random, between(random, -0.55, 0.05), between(random, 52, 72), 9),
    diaphragm: drawEdge(random, 0.5 * Math.PI + between(random, 0, 0.5), between(random, 48, 66), 8),
    blobs: drawBlobs(random, signals),
    papillary: [0, 1].map((i) => ({
      angle: (i === 0 ? 2 : -2) + between(random, -0.4, 0.4),
      depth: between(random, 0.5, 0.78),
      size: between(random, 2.5, 5.5) * (random.uniform() < 0.8 ? 1 : 0),
    })),
    fat: between(random, 0.5, 4.5),
    fatShape: wave(random, { 1: 1, 2: 0.9, 3: 0.6 }),
    rightWall: between(random, 2, 3.5),
    sharpness: between(random, 0.8, 1.4),
  };
}

/** Returns 0 below -width, 1 above width, and smooth values between. */
function ramp(value: number, width: number): number {
  const t = Math.min(1, Math.max(0, 0.5 + value / (2 * width)));
  return t * t * (3 - 2 * t);
}

const over = (below: number, above: number, cover: number): number => below + (above - below) * cover;

/** Returns the distance in mm beyond an edge. */
function beyond(edge: Edge, x: number, y: number): number {
  const { cosine, sine } = edge;
  const along = (y * cosine - x * sine) / 28;
  return x * cosine + y * sine - edge.distance - edge.waviness * (at(edge.shape, along) - 1);
}

function inside(blob: Blob, x: number, y: number): number {
  const { cosine, sine } = blob;
  const u = ((x - blob.x) * cosine + (y - blob.y) * sine) / blob.width;
  const v = ((y - blob.y) * cosine - (x - blob.x) * sine) / blob.height;
  return (1 - Math.sqrt(u * u + v * v)) * Math.min(blob.width, blob.height);
}

/** Returns the surroundings' signal, without the heart. They do not change through the slices. */
export function surroundings(scene: Scene, x: number, y: number): number {
  const { signals, sharpness: width } = scene;
  let signal = signals.soft;
  signal = over(signal, signals.lung, ramp(beyond(scene.lung, x, y), 2 * width));
  signal = over(signal, signals.liver, ramp(beyond(scene.diaphragm, x, y), 2 * width));
  const chest = beyond(scene.chest, x, y);
  signal = over(signal, signals.muscle, ramp(chest, 2 * width));
  signal = over(signal, signals.fat, ramp(chest - 12, 2 * width));
  for (const blob of scene.blobs) {
    // A small blob does not matter far away.
    const reach = blob.width + 2 * blob.height;
    if (Math.abs(x - blob.x) < reach && Math.abs(y - blob.y) < reach)
      signal = over(signal, blob.signal, ramp(inside(blob, x, y), 1.5 * width));
  }
  return over(signal, 0.02, ramp(chest - 12 - scene.skin, 2 * width));
}

/** Returns the signal at a point of one thin slice, given the surroundings of the heart there. */
export function signalAt(
  anatomy: Anatomy,
  scene: Scene,
  around: number,
  x: number,
  y: number,
  level: number,
): number {
  const borders = bordersAt(anatomy, x, y, level);
  const { signals } = scene;
  // Beyond the widest fat the heart is not visible.
  if (Math.min(borders.outer, borders.right) > 30) return around;
  const width = (spread: number): number => Math.sqrt(square(scene.sharpness) + square(1.3 * spread));
  const [cavityWidth, outerWidth, rightWidth] = borders.spread.map(width) as [number, number, number];
  const heart = Math.min(borders.outer, borders.right - scene.rightWall);
  const fat = scene.fat * Math.max(0, at(scene.fatShape, borders.angle));
  let signal = over(around, signals.fat, ramp(fat - heart, outerWidth) * ramp(fat - 0.5, 1));
  signal = over(signal, signals.muscle, ramp(scene.rightWall - borders.right, rightWidth));
  signal = over(signal, signals.rightBlood, ramp(-borders.right, rightWidth));
  signal = over(signal, signals.muscle, ramp(-borders.outer, outerWidth));
  return over(signal, cavitySignal(scene, borders, level), ramp(-borders.cavity, cavityWidth));
}

/** Returns the signal of blood with the two papillary muscles, which observers count to the cavity. */
function cavitySignal(scene: Scene, borders: Borders, level: number): number {
  const { signals, sharpness } = scene;
  let signal = signals.leftBlood;
  const edge = borders.radius - borders.cavity;
  const grown = Math.min(1, Math.max(0, 3 * (level - 0.12))) * Math.min(1, Math.max(0, 4 * (0.8 - level)));
  for (const { angle, depth, size } of scene.papillary) {
    const away = borders.angle - angle;
    const [u, v] = [borders.radius * cos(away) - depth * edge, borders.radius * sin(away)];
    signal = over(
      signal,
      signals.muscle,
      ramp(size * grown - Math.sqrt(u * u + v * v), 1.5 * sharpness) * Number(size * grown > 0),
    );
  }
  return signal;
}
