import { describe, expect, test } from "vitest";
import { labels, logits, probs } from "../fixture.test.helper.js";
import {
  argMax,
  type BinOptions,
  boundaryCalibration,
  CaseScorer,
  calibrationHistograms,
  centerlineCounts,
  confusionCounts,
  labelHash,
  labelSurfaceDistances,
  lesionScores,
  probabilityScores,
  temperatureSketch,
  tensor,
} from "../index.js";

const classes = 3;
const histograms: readonly BinOptions[] = [
  { squares: true },
  { of: "classes", bins: 15, threshold: 1e-3, comparison: "float32" },
  { of: "top-label", edges: "left-closed", squares: true },
];
const surfaces = [
  { regions: [[1], [2], [1, 2]], tolerance: [1, 2, 3] },
  { regions: [[2]], convention: "monai", oneEmpty: "diagonal" },
] as const;

/** Returns the images of a batch of labels. */
function images({ data, dims }: typeof labels): (typeof labels)[] {
  const [batch = 0, ...size] = dims;
  const pixels = data.length / batch;
  return Array.from({ length: batch }, (_, n) =>
    tensor("uint8", data.slice(n * pixels, (n + 1) * pixels) as Uint8Array, size),
  ) as (typeof labels)[];
}

describe("a case's scores", () => {
  test.each([undefined, 2])("are those of the functions one by one, ignoring %s", async (ignore) => {
    const spacing = [2, 0.5];
    const floors = [0, 0.25];
    const rings = [{ of: "top-label" }, { of: "classes", rings: [-1, 2], bins: 3 }, { of: 1 }] as const;
    const lesions = { convention: "brats-2023", leastVolume: 0 } as const;
    const further = { temperature: true, centerlines: true, lesions };
    const wanted = { histograms, floors, confusion: true, surfaces, rings, ...further, hashes: true };
    const scorer = new CaseScorer({ classes, ignore, ...wanted });
    const found = await scorer.score(probs, labels, { spacing });
    const predicted = await argMax(probs);
    expect(found).toEqual({
      histograms: await calibrationHistograms(probs, labels, histograms, { ignore }),
      proper: await Promise.all(floors.map((floor) => probabilityScores(probs, labels, { ignore, floor }))),
      confusion: await confusionCounts(predicted, labels, { classes, ignore }),
      surfaces: await Promise.all(
        surfaces.map((each) =>
          labelSurfaceDistances(predicted, labels, { ...each, classes, ignore, spacing }),
        ),
      ),
      rings: await Promise.all(
        rings.map((each) => boundaryCalibration(probs, labels, { ...each, ignore, spacing })),
      ),
      temperature: await temperatureSketch(probs, labels, { ignore }),
      lesions: await lesionScores(predicted, labels, { ...lesions, classes, ignore, spacing, probs }),
      centerlines: await centerlineCounts(predicted, labels, { classes, ignore }),
      hashes: await Promise.all(images(labels).map((image) => labelHash(image))),
    });
    // A second case comes from the same plan.
    expect(await scorer.score(probs, labels, { spacing })).toEqual(found);
  });

  test.each(["foreground", "classes", "top-label"] as const)(
    "of objects: %s of the other labels",
    async (of) => {
      const bins: BinOptions[] = [
        { of, bins: 7 },
        { of, bins: 12, threshold: 0.25 },
      ];
      const objects = bins.map((each) => ({ ...each, pixels: "objects" }) as const);
      const found = await new CaseScorer({ classes, histograms: [...bins, ...objects] }).score(probs, labels);
      expect(found.histograms.slice(0, 2)).toEqual(await calibrationHistograms(probs, labels, bins));
      expect(found.histograms.slice(2)).toEqual(
        await calibrationHistograms(probs, labels, bins, { ignore: 0 }),
      );
    },
  );

  test.each(["overlap", "centroid", "panoptica", "autopet"] as const)(
    "of lesions by %s",
    async (convention) => {
      const options = { convention, reach: 3, threshold: 0.1 };
      const { lesions, centerlines } = await new CaseScorer({ classes, lesions: options }).score(
        probs,
        labels,
      );
      expect(lesions).toEqual(
        await lesionScores(await argMax(probs), labels, { ...options, classes, probs }),
      );
      expect(centerlines).toEqual([]);
    },
  );

  test("are those that are wanted", async () => {
    const none = await new CaseScorer({ classes }).score(probs, labels);
    expect(none).toEqual({
      histograms: [],
      proper: [],
      confusion: undefined,
      surfaces: [],
      rings: [],
      temperature: undefined,
      lesions: [],
      centerlines: [],
      hashes: [],
    });
    // Logits have an arg-max, too.
    const { confusion } = await new CaseScorer({ classes, confusion: true }).score(logits, labels);
    expect(confusion).toEqual(await confusionCounts(await argMax(logits), labels, { classes }));
  });
});

test("memory that was given back serves another case, of any number of images", async () => {
  const scorer = new CaseScorer({ classes, histograms, floors: [0], confusion: true, rings: [{}] });
  const fresh = await scorer.score(probs, labels);
  const expected = structuredClone(fresh);
  const { buffer } = fresh.histograms[0]!.count;
  fresh.histograms[0]!.count.fill(7);
  fresh.confusion!.data.fill(7);
  scorer.recycle(fresh);
  const again = await scorer.score(probs, labels);
  expect(again).toEqual(expected);
  expect(again.histograms[0]!.count.buffer).toBe(buffer);
  scorer.recycle(again);
  const [batch = 0, , ...size] = probs.dims;
  const one = tensor("float32", probs.data.slice(0, probs.data.length / batch), [1, classes, ...size]);
  const first = tensor("uint8", labels.data.slice(0, labels.data.length / batch) as Uint8Array, [1, ...size]);
  expect((await scorer.score(one, first)).confusion!.dims).toEqual([1, classes, classes]);
  expect(() => scorer.recycle(again)).toThrow("scores: expected scores of this scorer, once");
});

describe("refuses", () => {
  test.each([
    [{ histogram: [] }, 'options.histogram: unknown option (did you mean "histograms"?)'],
    [{ histograms: {} }, "histograms: expected an array"],
    [{ histograms: [{ bin: 5 }] }, 'histograms[0].bin: unknown option (did you mean "bins"?)'],
    [{ histograms: [{ bins: 0 }] }, "bins: expected an integer from 1 to 4096, got 0"],
    [{ histograms: [{ pixels: "some" }] }, "histograms[0].pixels: expected one of all, objects, got some"],
    [{ histograms: [{ pixels: "objects", squares: true }] }, 'pixels "objects" does not work with squares'],
    [{ floors: [2] }, "floor: expected 0 or a number"],
    [{ confusion: 1 }, "confusion: expected a boolean"],
    [{ surfaces: [{ regions: [[3]] }] }, "regions[0]: expected an integer from 0 to 2, got 3"],
    [{ surfaces: [{ regions: [[1]], tolerance: [1, 2] }] }, "tolerance: expected 1 numbers"],
    [{ rings: [{ ring: [1] }] }, 'rings[0].ring: unknown option (did you mean "rings"?)'],
    [{ rings: [{ of: 3 }] }, "of: expected an integer from 0 to 2, got 3"],
    [{ hashes: 1 }, "hashes: expected a boolean"],
    [{ temperature: 1 }, "temperature: expected a boolean"],
    [{ centerlines: 1 }, "centerlines: expected a boolean"],
    [{ lesions: { convention: "other" } }, "convention: expected one of"],
    [{ lesions: { classes: 2 } }, "lesions.classes: unknown option"],
    [{ lesions: { reach: -1 } }, "reach: expected a number of at least 0"],
    [{ sums: [1] }, "sums: expected two finite numbers"],
    [{ surfaces: [{ regions: [[1]], spacing: [1] }] }, "surfaces[0].spacing: unknown option"],
  ])("the options %j", (options, message) => {
    expect(() => new CaseScorer({ classes, ...options } as never)).toThrow(message);
  });

  test("cases that do not fit", async () => {
    const scorer = new CaseScorer({ classes, floors: [0], surfaces: [{ regions: [[1]] }] });
    const stray = tensor("uint8", labels.data.map(() => 3) as Uint8Array, labels.dims);
    for (const [run, message] of [
      [() => scorer.score(logits, labels), "probs: expected probabilities in [0, 1]"],
      [
        () => new CaseScorer({ classes, floors: [0], sums: [2, 3] }).score(probs, labels),
        "probs: expected sums over the classes from 2 to 3, got other sums at 84 pixels, the first 0",
      ],
      [() => scorer.score(probs, stray), "labels: expected classes 0 to 2, got 3 at pixel 0"],
      [() => scorer.score(probs, labels, { spacing: [1] }), "spacing: expected 2 numbers, got 1"],
      [() => scorer.score(probs, { ...labels, dims: [1] } as never), "labels: expected rank 2 to 4"],
      [() => new CaseScorer({ classes: 4 }).score(probs, labels), "probs: expected 4 classes, got 3"],
      [() => scorer.score(probs, labels, { space: [1] } as never), "options.space: unknown option"],
      [() => scorer.score(probs, labels, { signal: 3 as never }), "signal: expected an AbortSignal"],
    ] as const)
      await expect(run()).rejects.toThrow(message);
  });
});
