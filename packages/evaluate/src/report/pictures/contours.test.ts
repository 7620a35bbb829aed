import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import { contourPath } from "./contours.js";

/** Returns every edge of a path, one pixel long, as "x y direction". */
function edges(path: string): readonly string[] {
  return [...path.matchAll(/M(\d+) (\d+)([hv])(\d+)/g)].flatMap(([, x, y, way, length]) =>
    Array.from({ length: Number(length) }, (_, i) =>
      way === "h" ? `${Number(x) + i} ${y} h` : `${x} ${Number(y) + i} v`,
    ),
  );
}

test("the path has each edge between different labels once", () => {
  const random = Random.fromSeed(1);
  const [width, height] = [7, 5];
  const labels = Uint8Array.from({ length: width * height }, () => Math.floor(3 * random.uniform()));
  const expected: string[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const own = labels[y * width + x];
      if (y > 0 && labels[(y - 1) * width + x] !== own) expected.push(`${x} ${y} h`);
      if (x > 0 && labels[y * width + x - 1] !== own) expected.push(`${x} ${y} v`);
    }
  expect(edges(contourPath({ width, height, labels })).toSorted()).toEqual(expected.toSorted());
});

test("edges in a row are one stroke; a uniform picture has none", () => {
  const labels = Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1);
  expect(contourPath({ width: 4, height: 2, labels })).toBe("M0 1h4");
  expect(contourPath({ width: 4, height: 2, labels: new Uint8Array(8) })).toBe("");
});
