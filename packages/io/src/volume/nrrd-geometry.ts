import { FormatError } from "../errors.js";
import { gridOf, scaleBy } from "./geometry.js";
import { type Fields, unitOf } from "./text-header.js";
import type { Grid, Vector } from "./volume.js";

export interface NrrdGrid {
  readonly grid: Grid;
  /** The number of elements of the axes before those of the channels. */
  readonly before: number;
  readonly channels: number;
  readonly units: string;
  readonly notes: string[];
}

/** The signs that convert the axes of a space to LPS. */
const spaces: ReadonlyMap<string, readonly [x: number, y: number, z: number]> = new Map(
  (
    [
      ["right-anterior-superior", "ras", [-1, -1, 1]],
      ["left-anterior-superior", "las", [1, -1, 1]],
      ["left-posterior-superior", "lps", [1, 1, 1]],
    ] as const
  ).flatMap(([long, short, signs]) =>
    [long, short, `${long}-time`, `${short}t`].map((name) => [name, signs] as const),
  ),
);

/** The spaces whose axes are not those of a patient. */
const strangeSpaces: ReadonlyMap<string, number> = new Map([
  ["scanner-xyz", 3],
  ["scanner-xyz-time", 4],
  ["3d-right-handed", 3],
  ["3d-left-handed", 3],
  ["3d-right-handed-time", 4],
  ["3d-left-handed-time", 4],
]);

/** The kinds of axes along which voxels follow each other in space. */
const spatialKinds: ReadonlySet<string> = new Set(["domain", "space", "none", "???"]);

/** The kinds of axes along which a voxel has several values, or an image several times. */
const channelKinds =
  /^(time|list|point|vector|covariant-vector|normal|stub|scalar|complex|quaternion|\d-[a-z]+|(rgba?|hsv|xyz)-color|\dd-[a-z-]+)$/;

/** Reads the grid of the voxels of a NRRD file, and which axes are channels. Throws FormatError. */
export function nrrdGrid(path: string, sizes: readonly number[], fields: Fields): NrrdGrid {
  const notes: string[] = [];
  const { signs, dimension } = spaceOf(fields, notes);
  const directions = directionsOf(fields, sizes.length, dimension);
  const spatial = spatialAxes(path, sizes, fields, directions, notes);
  const [first = 0, ...others] = sizes.map((_, axis) => axis).filter((axis) => !spatial.includes(axis));
  if (others.some((axis, i) => axis !== first + i + 1))
    throw new FormatError(path, "kinds", "channels along several axes apart from each other are not read");
  const product = (axes: readonly number[]): number => axes.reduce((all, axis) => all * sizes[axis]!, 1);
  const count = sizes.length - spatial.length;
  const channels = count === 0 ? 1 : product([first, ...others]);
  const before = count === 0 ? product(spatial) : product(spatial.filter((axis) => axis < first));

  const space =
    listOf(fields.get("space units")) ??
    listOf(fields.get("units"))?.filter((_, axis) => spatial.includes(axis));
  const given = new Set(space?.slice(0, spatial.length).filter((unit) => unit !== ""));
  if (given.size > 1)
    throw fields.fail("space units", `axes of different units (${[...given]}) are not read`);
  const { units, factor } = unitOf([...given][0], notes);
  const toLps = ([x = 0, y = 0, z = 0]: readonly number[]): Vector => [
    x * signs[0] * factor,
    y * signs[1] * factor,
    z * signs[2] * factor,
  ];
  const shape = spatial.map((axis) => sizes[axis]!);
  if (directions) {
    const origin = fields.get("space origin");
    const place = origin === undefined ? [] : vectorOf(fields, "space origin", origin, dimension);
    if (origin === undefined) notes.push("no space origin is given; 0 is assumed");
    const columns = spatial.map((axis) => toLps(directions[axis]!));
    return {
      grid: gridOf(path, "space directions", shape, { columns, origin: toLps(place) }),
      before,
      channels,
      units,
      notes,
    };
  }
  notes.push("no space directions are given; axes are taken to run left, posterior, superior");
  return { grid: plainGrid(path, sizes, spatial, fields, factor, notes), before, channels, units, notes };
}

function spaceOf(
  fields: Fields,
  notes: string[],
): { signs: readonly [number, number, number]; dimension: number } {
  const name = fields.get("space")?.toLowerCase();
  if (name === undefined) {
    const dimension = fields.integer("space dimension", fields.get("space dimension") ?? "3", 1);
    return { signs: [1, 1, 1], dimension };
  }
  const signs = spaces.get(name);
  if (signs) return { signs, dimension: name.endsWith("t") || name.endsWith("-time") ? 4 : 3 };
  const dimension = strangeSpaces.get(name);
  if (dimension === undefined) throw fields.fail("space", `"${name.slice(0, 40)}" is not known`);
  notes.push(`the space ${name} has no anatomical directions; LPS is assumed`);
  return { signs: [1, 1, 1], dimension };
}

function vectorOf(fields: Fields, key: string, text: string, dimension: number): readonly number[] {
  const inner = /^\(([^()]*)\)$/.exec(text.trim());
  const values = inner && fields.numbers(key, inner[1]!.replaceAll(",", " "), dimension);
  if (!values?.every(Number.isFinite))
    throw fields.fail(key, `expected a vector of ${dimension} finite numbers, got "${text.slice(0, 80)}"`);
  return values;
}

/** Whether a vector says NaN throughout, which is an older way to write "none". */
const isNan = (part: string): boolean =>
  part.startsWith("(") && /^[\s,]*$/.test(part.slice(1, -1).replace(/\bnan\b/gi, "")) && /nan/i.test(part);

/** Returns the direction of every axis, undefined for axes that are not in space. */
function directionsOf(
  fields: Fields,
  rank: number,
  dimension: number,
): readonly (readonly number[] | undefined)[] | undefined {
  const key = "space directions";
  const text = fields.get(key);
  if (text === undefined) return undefined;
  const parts = text.match(/none|\([^()]*\)|\S+/g) ?? [];
  if (parts.length !== rank)
    throw fields.fail(key, `expected ${rank} vectors or "none", got ${parts.length}`);
  return parts.map((part) => {
    if (part === "none" || isNan(part)) return undefined;
    const vector = vectorOf(fields, key, part, dimension);
    const inSpace = vector.slice(0, 3).some((value) => value !== 0);
    if (inSpace && (vector[3] ?? 0) !== 0)
      throw fields.fail(key, `the axis ${part} runs through space and time`);
    // A direction along time alone.
    return !inSpace && vector.length > 3 ? undefined : vector.slice(0, 3);
  });
}

function spatialAxes(
  path: string,
  sizes: readonly number[],
  fields: Fields,
  directions: ReturnType<typeof directionsOf>,
  notes: string[],
): readonly number[] {
  const axes = sizes.map((_, axis) => axis);
  const kinds = (fields.get("kinds") ?? fields.get("kind"))?.toLowerCase().split(/\s+/);
  if (kinds && kinds.length !== sizes.length)
    throw fields.fail("kinds", `expected ${sizes.length}, one per axis, got ${kinds.length}`);
  // With directions they alone decide, so that kinds which others invented do no harm.
  const strange = directions
    ? undefined
    : kinds?.find((kind) => !spatialKinds.has(kind) && !channelKinds.test(kind));
  if (strange !== undefined) throw fields.fail("kinds", `"${strange.slice(0, 40)}" is no kind of an axis`);
  let spatial = directions
    ? axes.filter((axis) => directions[axis])
    : axes.filter((axis) => kinds === undefined || spatialKinds.has(kinds[axis]!));
  if (!directions && spatial.length === 4 && spatial.length === sizes.length) {
    notes.push("the last of four axes is taken for channels");
    spatial = [0, 1, 2];
  }
  if (spatial.length < 1 || spatial.length > 3)
    throw new FormatError(
      path,
      "kinds",
      `expected 1 to 3 axes in space, got ${spatial.length} of ${sizes.length}`,
    );
  return spatial;
}

/** Splits a list of units in quotes, with or without blanks. */
const listOf = (text: string | undefined): readonly string[] | undefined =>
  text?.match(/"[^"]*"|\S+/g)?.map((part) => part.replaceAll('"', ""));

function plainGrid(
  path: string,
  sizes: readonly number[],
  spatial: readonly number[],
  fields: Fields,
  factor: number,
  notes: string[],
): Grid {
  const numbers = (key: string): readonly number[] | undefined => {
    const text = fields.get(key);
    return text === undefined ? undefined : fields.numbers(key, text, sizes.length);
  };
  const spacings = numbers("spacings");
  const mins = numbers("axis mins");
  if (!spacings) notes.push("no spacing is given; 1 is assumed");
  const units: readonly Vector[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const columns = spatial.map((axis, i) => {
    const size = spacings?.[axis] ?? 1;
    return scaleBy(units[i]!, (Number.isNaN(size) ? 1 : size) * factor);
  });
  const start = (i: number): number => {
    const value = mins?.[spatial[i] ?? -1] ?? 0;
    return Number.isFinite(value) ? value * factor : 0;
  };
  return gridOf(
    path,
    "spacings",
    spatial.map((axis) => sizes[axis]!),
    {
      columns,
      origin: [start(0), start(1), start(2)],
    },
  );
}
