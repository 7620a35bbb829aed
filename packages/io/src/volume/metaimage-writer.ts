import { type DataType, InvalidArgumentError } from "@pixelcal/core";
import { packed } from "./packed.js";
import { interleavedPieces, nameOfType, type VolumeWriter, type WritableVolume } from "./volume-writer.js";

const types: ReadonlyMap<DataType, string> = new Map([
  ["int8", "MET_CHAR"],
  ["uint8", "MET_UCHAR"],
  ["bool", "MET_UCHAR"],
  ["int16", "MET_SHORT"],
  ["uint16", "MET_USHORT"],
  ["int32", "MET_INT"],
  ["uint32", "MET_UINT"],
  ["int64", "MET_LONG_LONG"],
  ["uint64", "MET_ULONG_LONG"],
  ["float32", "MET_FLOAT"],
  ["float64", "MET_DOUBLE"],
]);

/** Returns the header, which must say how many bytes of packed voxels follow. */
function headerOf(volume: WritableVolume, size: number): string {
  const { shape, spacing, direction, origin, channels = 1, scaled } = volume;
  const rank = shape.length;
  const beyond = [...direction, origin].some((vector) => vector.slice(rank).some((part) => part !== 0));
  if (beyond)
    throw new InvalidArgumentError(
      "volume.direction",
      `volume.direction: MetaImage places ${rank} axes in ${rank} dimensions only; write NIfTI or NRRD`,
    );
  const lines = [
    "ObjectType = Image",
    `NDims = ${rank}`,
    "BinaryData = True",
    "BinaryDataByteOrderMSB = False",
    "CompressedData = True",
    `CompressedDataSize = ${size}`,
    `TransformMatrix = ${direction.flatMap((column) => column.slice(0, rank)).join(" ")}`,
    `Offset = ${origin.slice(0, rank).join(" ")}`,
    `CenterOfRotation = ${shape.map(() => 0).join(" ")}`,
    `ElementSpacing = ${spacing.join(" ")}`,
    `DimSize = ${shape.join(" ")}`,
    ...(channels > 1 ? [`ElementNumberOfChannels = ${channels}`] : []),
    ...(scaled
      ? [
          `ElementToIntensityFunctionSlope = ${scaled.slope}`,
          `ElementToIntensityFunctionOffset = ${scaled.inter}`,
        ]
      : []),
    `ElementType = ${nameOfType("MetaImage", types, volume.type)}`,
    "ElementDataFile = LOCAL",
  ];
  return `${lines.join("\n")}\n`;
}

export const metaImageWriter: VolumeWriter = {
  name: "MetaImage",
  endings: [".mha"],
  async *encode(volume, { level }) {
    // A volume that the header cannot describe is refused before it is packed.
    headerOf(volume, 0);
    const parts: Uint8Array[] = [];
    for await (const part of packed("zlib", level, interleavedPieces(volume))) parts.push(part);
    yield Buffer.from(
      headerOf(
        volume,
        parts.reduce((sum, { length }) => sum + length, 0),
      ),
      "utf8",
    );
    yield* parts;
  },
};
