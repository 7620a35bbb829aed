import { labelColour } from "../label-colours.js";
import type { Grid, Vector } from "../volume.js";
import type { DicomElements } from "./encode.js";
import type { Instance, SourceImages } from "./source-images.js";
import { tags } from "./tags.js";
import { written } from "./written-tags.js";

/** A frame of a segmentation to be written: the voxels of a segment in a slice, or a slice of labels. */
export interface SegmentFrame {
  readonly segment: number | undefined;
  readonly slice: number;
}

const code = (value: string, scheme: string, meaning: string): DicomElements[] => [
  {
    [written.codeValue]: ["SH", value],
    [written.codingScheme]: ["SH", scheme],
    [written.codeMeaning]: ["LO", meaning],
  },
];

/** The only category and type that are true of a label of which no more than its name is known. */
const tissue = code("85756007", "SCT", "Tissue");
const background = code("125040", "DCM", "Background");

/** Returns a number as decimal text of at most 16 characters, which its type allows. */
export function decimalText(value: number): string {
  for (let digits = 16; digits > 0; digits--) {
    const rounded = Number(value.toPrecision(digits));
    const text = [`${rounded}`, rounded.toExponential()].find(({ length }) => length <= 16);
    if (text !== undefined) return text;
  }
  return "0";
}

const decimals = (values: readonly number[]): string => values.map(decimalText).join("\\");

/** Returns CIELab as the standard scales it to 16 bits (PS3.3, C.10.7.1.1), from sRGB. */
function displayColour(label: number): readonly number[] {
  const [r, g, b] = labelColour(label).map((part) => {
    const unit = part / 255;
    return unit <= 0.04045 ? unit / 12.92 : ((unit + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const bend = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27) * (t / 116) + 16 / 116);
  const x = bend((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.96422);
  const y = bend(0.2225045 * r + 0.7168786 * g + 0.0606169 * b);
  const z = bend((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.82521);
  const scaled = [((116 * y - 16) / 100) * 65535, ((500 * (x - y) + 128) / 255) * 65535];
  return [...scaled, ((200 * (y - z) + 128) / 255) * 65535].map(Math.round);
}

/** Returns the description of a segment. */
export const segmentItem = (number: number, name: string): DicomElements => ({
  [tags.segmentNumber]: ["US", [number]],
  [tags.segmentLabel]: ["LO", name.replaceAll("\\", "/").slice(0, 64)],
  [written.segmentAlgorithmType]: ["CS", "AUTOMATIC"],
  [written.segmentAlgorithmName]: ["LO", "PixelCal"],
  [written.segmentCategorySequence]: ["SQ", number === 0 ? background : tissue],
  [written.segmentTypeSequence]: ["SQ", number === 0 ? background : tissue],
  ...(number === 0 ? {} : { [written.segmentColour]: ["US", displayColour(number)] as const }),
});

const reference = ({ sopClass, uid }: Instance): DicomElements => ({
  [written.referencedSopClass]: ["UI", sopClass],
  [written.referencedSopInstance]: ["UI", uid],
});

/** Returns the groups that all frames share: the size of voxels and the orientation. */
export const sharedGroups = (spacing: readonly number[], right: Vector, down: Vector): DicomElements => ({
  [tags.pixelMeasuresSequence]: [
    "SQ",
    [
      {
        [tags.sliceThickness]: ["DS", decimalText(spacing[2]!)],
        [tags.spacingBetweenSlices]: ["DS", decimalText(spacing[2]!)],
        [tags.pixelSpacing]: ["DS", decimals([spacing[1]!, spacing[0]!])],
      },
    ],
  ],
  [tags.planeOrientationSequence]: [
    "SQ",
    [{ [tags.imageOrientation]: ["DS", decimals([...right, ...down])] }],
  ],
});

/** Returns the groups of a frame: its segment, its place, and the images that it was made from. */
export function frameGroups(
  { segment, slice }: SegmentFrame,
  position: Vector,
  images: SourceImages | undefined,
): DicomElements {
  const sources = images?.instances.filter((each) => each.slice === undefined || each.slice === slice) ?? [];
  const index = [...(segment === undefined ? [] : [segment]), slice + 1];
  return {
    [written.frameContentSequence]: ["SQ", [{ [written.dimensionIndexValues]: ["UL", index] }]],
    [tags.planePositionSequence]: ["SQ", [{ [tags.imagePosition]: ["DS", decimals(position)] }]],
    ...(segment === undefined
      ? {}
      : {
          [tags.segmentIdentificationSequence]: [
            "SQ",
            [{ [tags.referencedSegmentNumber]: ["US", [segment]] }],
          ],
        }),
    ...(sources.length === 0
      ? {}
      : {
          [written.derivationImageSequence]: [
            "SQ",
            [
              {
                [written.derivationCodeSequence]: ["SQ", code("113076", "DCM", "Segmentation")],
                [written.sourceImageSequence]: [
                  "SQ",
                  sources.map((each) => ({
                    ...reference(each),
                    [written.purposeCodeSequence]: [
                      "SQ",
                      code("121322", "DCM", "Source image for image processing operation"),
                    ],
                  })),
                ],
              },
            ],
          ],
        }),
  };
}

/** Returns the elements that tie frames to dimensions: the segment, and the place. */
export function dimensions(organization: string, segments: boolean): DicomElements {
  const index = (pointer: number, group: number): DicomElements => ({
    [written.dimensionOrganizationUid]: ["UI", organization],
    [written.dimensionIndexPointer]: ["AT", [pointer >>> 16, pointer & 0xffff]],
    [written.functionalGroupPointer]: ["AT", [group >>> 16, group & 0xffff]],
  });
  return {
    [written.dimensionOrganizationSequence]: [
      "SQ",
      [{ [written.dimensionOrganizationUid]: ["UI", organization] }],
    ],
    [written.dimensionIndexSequence]: [
      "SQ",
      [
        ...(segments ? [index(tags.referencedSegmentNumber, tags.segmentIdentificationSequence)] : []),
        index(tags.imagePosition, tags.planePositionSequence),
      ],
    ],
  };
}

/** Returns the list of the images that frames refer to; none without images. */
export const referencedSeries = (images: SourceImages | undefined): DicomElements =>
  images === undefined
    ? {}
    : {
        [written.referencedSeriesSequence]: [
          "SQ",
          [
            {
              [written.referencedInstanceSequence]: ["SQ", images.instances.map(reference)],
              [tags.seriesInstanceUid]: ["UI", images.series],
            },
          ],
        ],
      };

/** Returns the place of the first pixel of a slice. */
export function slicePosition({ origin, spacing, direction }: Grid, slice: number): Vector {
  const step = direction[2] ?? [0, 0, 0];
  const at = (part: 0 | 1 | 2): number => origin[part] + slice * (spacing[2] ?? 0) * step[part];
  return [at(0), at(1), at(2)];
}
