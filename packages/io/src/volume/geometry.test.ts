import { describe, expect, test } from "vitest";
import { checkSameGrid, describeGrid, permutationBetween, sameGrid } from "./geometry.js";
import { reorient } from "./reorient.js";
import type { Grid, Vector, Volume } from "./volume.js";

const grid: Grid = {
  shape: [4, 3, 2],
  spacing: [0.5, 1, 3],
  origin: [10, -20, 30],
  direction: [
    [0, 1, 0],
    [-0.6, 0, 0.8],
    [0.8, 0, 0.6],
  ],
};

const same: readonly [string, Grid, boolean][] = [
  ["itself", grid, true],
  ["a 2000th of a voxel away", { ...grid, origin: [10, -20 + 0.5 / 2000, 30] }, true],
  ["a 500th of a voxel away", { ...grid, origin: [10, -20 + 0.5 / 500, 30] }, false],
  ["another spacing", { ...grid, spacing: [0.5, 1, 3.01] }, false],
  ["a spacing that differs by rounding", { ...grid, spacing: [0.5, Math.fround(1.0000001), 3] }, true],
  ["another shape", { ...grid, shape: [4, 3, 3] }, false],
  ["fewer axes", { ...grid, shape: [4, 3], spacing: [0.5, 1], direction: grid.direction.slice(0, 2) }, false],
  ["a flipped axis", { ...grid, direction: [[0, -1, 0], ...grid.direction.slice(1)] }, false],
];

describe("sameGrid", () => {
  test.each(same)("%s", (_, other, expected) => {
    expect(sameGrid(grid, other)).toBe(expected);
    expect(sameGrid(other, grid)).toBe(expected);
    if (expected) checkSameGrid("a", grid, "b", other);
    else
      expect(() => checkSameGrid("a", grid, "b", other)).toThrow(
        /a: geometry: shape .* is not the grid of b/,
      );
  });

  test.each([1, 2])("images of %i axes", (rank) => {
    const flat = (direction: readonly Vector[]): Grid => ({
      ...grid,
      shape: grid.shape.slice(0, rank),
      spacing: grid.spacing.slice(0, rank),
      direction: direction.slice(0, rank),
    });
    expect(sameGrid(flat(grid.direction), flat(grid.direction))).toBe(true);
    const turned = grid.direction.map(([x, y, z]): Vector => [-x, -y, -z]);
    expect(sameGrid(flat(grid.direction), flat(turned))).toBe(false);
  });
});

const orders = [
  [0, 1, 2],
  [1, 0, 2],
  [2, 0, 1],
  [2, 1, 0],
];
const flips = [
  [false, false, false],
  [true, false, false],
  [false, true, true],
];

/** Returns the place of every value in space, which a reorientation has to keep. */
function placed({ shape, spacing, origin, direction, data }: Volume): ReadonlyMap<string, string> {
  const [width = 1, height = 1] = shape;
  const map = new Map<string, string>();
  const count = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < data.length; i++) {
    const inside = i % count;
    const voxel = [
      inside % width,
      Math.floor(inside / width) % height,
      Math.floor(inside / (width * height)),
    ];
    const at = [0, 1, 2].map((part) =>
      shape.reduce(
        (sum, _, axis) => sum + voxel[axis]! * spacing[axis]! * direction[axis]![part]!,
        origin[part]!,
      ),
    );
    map.set(
      `${Math.floor(i / count)}: ${at.map((x) => (x + 0).toFixed(6).replace(/^-(0\.0+)$/, "$1"))}`,
      `${data[i]}`,
    );
  }
  return map;
}

describe("reorient", () => {
  const volume: Volume = {
    ...grid,
    format: "test",
    type: "int16",
    channels: 2,
    data: Int16Array.from({ length: 48 }, (_, i) => i * 3),
    units: "mm",
    notes: [],
  };
  test.each(orders.flatMap((from) => flips.map((flipped) => [from, flipped] as const)))(
    "axes %j, flipped %j",
    async (from, flipped) => {
      const origin = [0, 1, 2].map((part) =>
        from.reduce(
          (sum, axis, i) =>
            sum +
            (flipped[i] ? (grid.shape[axis]! - 1) * grid.spacing[axis]! * grid.direction[axis]![part]! : 0),
          grid.origin[part]!,
        ),
      );
      const target: Grid = {
        shape: from.map((axis) => grid.shape[axis]!),
        spacing: from.map((axis) => grid.spacing[axis]!),
        origin: [origin[0]!, origin[1]!, origin[2]!],
        direction: from.map((axis, i) => {
          const [x, y, z] = grid.direction[axis]!;
          return flipped[i] ? [-x, -y, -z] : [x, y, z];
        }),
      };
      const turned = await reorient(volume, target, "a.nii");
      expect(sameGrid(turned, target)).toBe(true);
      expect(placed(turned)).toEqual(placed(volume));
      expect(describeGrid(turned)).toBe(describeGrid(target));
    },
  );

  test("is refused where values would have to be resampled", async () => {
    const turned: Grid = {
      ...grid,
      direction: [
        [0, 0.8, 0.6],
        [-1, 0, 0],
        [0, -0.6, 0.8],
      ],
    };
    expect(permutationBetween(grid, turned)).toBeUndefined();
    await expect(reorient(volume, turned, "a.nii")).rejects.toThrow(/a\.nii: geometry: no order of axes/);
    const shifted: Grid = { ...grid, origin: [10.2, -20, 30] };
    await expect(reorient(volume, shifted, "a.nii")).rejects.toThrow(/resample it first/);
  });
});
