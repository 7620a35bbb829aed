// DICOM files: images, segmentations and contours, damaged in bytes and in the values of elements.
import { deflateRawSync } from "node:zlib";
import { io } from "../dist.mjs";
import { boundaries, concat, mutated } from "../mutate.mjs";
import { dicomOracle } from "../oracles/dicom.mjs";
import { judged } from "../oracles/judge.mjs";
import { scratch } from "./scratch.mjs";

const built = (file) => import(new URL(`../../../packages/io/dist/volume/${file}.js`, import.meta.url).href);
const { dataSetBytes, dicomBytes, imageElements, implicitSyntax } = await built("testing/dicom-bytes");
const { sequenceTags, tags } = await built("dicom/tags");

const ramp = (length) => Uint8Array.from({ length }, (_, i) => (i * 37) & 255);

const sequence = (...items) => ["SQ", items];
const places = (...heights) =>
  sequence(
    ...heights.map((z, i) => ({
      [tags.planePositionSequence]: sequence({ [tags.imagePosition]: ["DS", `1\\2\\${z}`] }),
      [tags.segmentIdentificationSequence]: sequence({
        [tags.referencedSegmentNumber]: ["US", [1 + (i % 2)]],
      }),
    })),
  );
const measured = sequence({
  [tags.pixelMeasuresSequence]: sequence({
    [tags.spacingBetweenSlices]: ["DS", "2"],
    [tags.pixelSpacing]: ["DS", "0.75\\0.5"],
  }),
  [tags.pixelValueTransformationSequence]: sequence({
    [tags.rescaleIntercept]: ["DS", "-1024"],
    [tags.rescaleSlope]: ["DS", "1"],
  }),
});
const named = (number) => ({ [tags.segmentNumber]: ["US", [number]], [tags.segmentLabel]: ["LO", "a"] });
/** A segmentation of two segments, or an enhanced image, of three frames. */
const framed = (allocated, ...fields) =>
  imageElements({
    allocated,
    frames: 3,
    position: [],
    pixels: ramp(allocated === 1 ? 3 : (18 * allocated) / 8),
    more: Object.assign(
      { [tags.sharedGroupsSequence]: measured, [tags.frameGroupsSequence]: places(0, 2, 6) },
      ...fields,
    ),
  });
const segmented = (kind) => ({
  [tags.segmentationType]: ["CS", kind],
  [tags.segmentSequence]: sequence(named(1), named(2)),
});
const rle = Uint8Array.of(2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0, ...new Array(52).fill(0), 251, 1, 251, 2);
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xf7, 0, 11, 16, 0, 2, 0, 3, 1, 1, 0x11, 0, 0, 0xff, 0xd9);
/** A JPEG of 12 bits: one block whose mean and other cosines are 0. */
const one = [1, ...new Array(15).fill(0), 0];
const jpeg12 = Uint8Array.from([
  ...[
    255,
    0xd8,
    255,
    0xdb,
    0,
    67,
    0,
    ...new Array(64).fill(1),
    255,
    0xc1,
    0,
    11,
    12,
    0,
    2,
    0,
    3,
    1,
    1,
    0x11,
    0,
  ],
  ...[255, 0xc4, 0, 38, 0, ...one, 0x10, ...one, 255, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x3f, 255, 0xd9, 0],
]);
const syntax = (suffix) => ({ syntax: `${implicitSyntax}${suffix}` });
const contour = (points) => ({
  [tags.contourType]: ["CS", "CLOSED_PLANAR"],
  [tags.contourData]: ["DS", points.join("\\")],
});
const structure = {
  [tags.sopClass]: ["UI", "1.2"],
  [tags.roiSequence]: sequence({ [tags.roiNumber]: ["IS", "1"], [tags.roiName]: ["LO", "a"] }),
  [tags.roiContourSequence]: sequence({
    [tags.contourSequence]: sequence(contour([0, 0, 0, 2, 0, 0, 0, 2, 0])),
    [tags.referencedRoiNumber]: ["IS", "1"],
  }),
};
/** Two regions that overlap; one has a hole and lies on both slices. */
const overlapping = {
  ...structure,
  [tags.roiSequence]: sequence(
    { [tags.roiNumber]: ["IS", "3"], [tags.roiName]: ["LO", "a"] },
    { [tags.roiNumber]: ["IS", "7"], [tags.roiName]: ["LO", "b"] },
  ),
  [tags.roiContourSequence]: sequence(
    {
      [tags.contourSequence]: sequence(
        contour([-0.5, -0.5, 0, 2.5, -0.5, 0, 2.5, 2.5, 0, -0.5, 2.5, 0]),
        contour([0.5, 0.5, 0, 1.5, 0.5, 0, 1.5, 1.5, 0]),
        contour([0, 0, 1, 2, 0.25, 1, 1, 2, 1]),
      ),
      [tags.referencedRoiNumber]: ["IS", "3"],
    },
    {
      [tags.contourSequence]: sequence(contour([0, 0, 0, 3, 0, 0, 0, 3, 0])),
      [tags.referencedRoiNumber]: ["IS", "7"],
    },
  ),
};
const fraction = {
  [tags.maximumFractionalValue]: ["US", [255]],
  [tags.fractionalType]: ["CS", "PROBABILITY"],
};
const dicomParts = [
  [imageElements({ more: { [tags.rescaleSlope]: ["DS", "2"] } })],
  [imageElements({ samples: 3, allocated: 8, photometric: "RGB" }), syntax("")],
  [imageElements({ stored: 12, signed: true }), { ...syntax(".2"), open: true }],
  [imageElements(), { ...syntax(".1.99"), pack: (bytes) => deflateRawSync(bytes) }],
  [imageElements({ pixels: { fragments: [rle] } }), syntax(".5")],
  [framed(16, { [tags.frameGroupsSequence]: places(0, 2, 4) }), { open: true }],
  [framed(1, segmented("BINARY"))],
  [framed(8, segmented("FRACTIONAL"), fraction)],
  [framed(8, segmented("LABELMAP"), { [tags.pixelPadding]: ["US", [5]] }), syntax("")],
  [imageElements({ pixels: { fragments: [jpeg], offsets: [0] } }), syntax(".4.80")],
  [structure],
  [overlapping],
  [imageElements({ stored: 12, pixels: { fragments: [jpeg12] } }), syntax(".4.51")],
];
const dicom = [...dicomParts.map((parts) => dicomBytes(...parts)), dataSetBytes(imageElements())];
const grid = {
  shape: [3, 3, 2],
  spacing: [1, 1, 1],
  origin: [0, 0, 0],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};

/** An element with a value that was damaged, in it or in the items of a sequence. */
function damagedElement([type, value], random) {
  if (typeof value === "string")
    return [
      type,
      Buffer.from(mutated(new Uint8Array(Buffer.from(value || "0", "latin1")), random, [ramp(9)])).toString(
        "latin1",
      ),
    ];
  if (value instanceof Uint8Array) return [type, mutated(value, random, [ramp(99)])];
  if (type === "SQ")
    return [type, value.map((item) => (random.oneIn(2) ? item : damagedElements(item, random)))];
  if (Array.isArray(value)) return [type, value.map(() => Number(random.pick(boundaries) & 0xffffn))];
  return [
    type,
    { ...value, fragments: value.fragments.map((each) => mutated(each, random, [rle, jpeg, jpeg12])) },
  ];
}

function damagedElements(elements, random) {
  const tag = random.pick(Object.keys(elements).filter((key) => elements[key] !== undefined));
  const changed = random.oneIn(8) ? undefined : damagedElement(elements[tag], random);
  return { ...elements, [tag]: changed };
}

/** A file whose damage is behind its preamble, in the bytes or in the value of an element. */
function damagedDicom(random) {
  if (random.oneIn(10)) return damagedDeflate(random);
  if (random.oneIn(2)) {
    const [elements, options] = random.pick(dicomParts);
    return dicomBytes(damagedElements(elements, random), options);
  }
  const seed = random.pick(dicom);
  const head = Buffer.from(seed.subarray(128, 132)).toString("latin1") === "DICM" ? 132 : 0;
  return concat(seed.subarray(0, head), mutated(seed.subarray(head), random, dicom));
}

/** A deflated file whose data set is damaged before it is packed. */
function damagedDeflate(random) {
  const inner = mutated(dataSetBytes(imageElements()), random, dicom);
  return dicomBytes({}, { ...syntax(".1.99"), pack: () => deflateRawSync(inner) });
}

export const dicomTarget = {
  name: "dicom",
  kind: "volume",
  share: 0.05,
  rate: 1500,
  make: damagedDicom,
  run: judged(
    (bytes) => {
      if (bytes.length % 8 === 0) return io.readVolume(scratch("a.dcm", bytes), { allowGaps: true });
      // Contours need a grid, which other volumes do not lie on.
      const placed = Buffer.from(bytes).includes("CLOSED_PLANAR") ? { grid } : {};
      return io.readVolume(bytes, { source: "a.dcm", ...placed });
    },
    dicomOracle(tags, sequenceTags, grid),
  ),
};

// The seeds are read undamaged first, but for JPEG-LS, whose package need not be there.
for (const seed of dicom.filter((_, i) => i !== 9)) await dicomTarget.run(seed);
