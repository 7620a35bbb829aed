/** Fields of a NIfTI file to be made; what is left out is that of a plain image with 2 x 3 x 4 mm voxels. */
export interface NiftiFields {
  readonly version?: 1 | 2;
  readonly bigEndian?: boolean;
  readonly magic?: string;
  readonly dims?: readonly number[];
  readonly datatype?: number;
  readonly bitpix?: number;
  readonly pixdim?: readonly number[];
  readonly voxOffset?: number;
  readonly slope?: number;
  readonly inter?: number;
  readonly intent?: number;
  readonly units?: number;
  readonly qformCode?: number;
  readonly quaternion?: readonly number[];
  readonly qoffset?: readonly number[];
  readonly sformCode?: number;
  readonly sform?: readonly (readonly number[])[];
  readonly extension?: string;
  /** Voxels, in the byte order of the file. */
  readonly voxels?: Uint8Array;
}

/** Returns the bytes of a NIfTI file, field by field as the format's header file lists them. */
export function niftiBytes(fields: NiftiFields = {}): Uint8Array {
  const { version = 1, bigEndian = false, dims = [3, 2, 2], datatype = 2, bitpix = 8 } = fields;
  const { pixdim = [1, 2, 3, 4], slope = 0, inter = 0, intent = 0, units = 2, qformCode = 0 } = fields;
  const { quaternion = [0, 0, 0], qoffset = [0, 0, 0], sformCode = 0, extension } = fields;
  const { voxels = Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i) } = fields;
  const { magic = `n+${version}\0${version === 2 ? "\r\n\x1a\n" : ""}` } = fields;
  const size = version === 1 ? 348 : 540;
  const block = extension === undefined ? 0 : 16 * Math.ceil((extension.length + 8) / 16);
  const single = magic.startsWith("n+");
  const start = size + 4 + block;
  const head = new DataView(new ArrayBuffer(single ? start : size));
  const little = !bigEndian;
  const short = (at: number, value: number): void => head.setInt16(at, value, little);
  const int = (at: number, value: number): void => head.setInt32(at, value, little);
  const long = (at: number, value: number): void => head.setBigInt64(at, BigInt(value), little);
  const width = version === 1 ? 4 : 8;
  const real = (at: number, values: readonly number[]): void =>
    values.forEach((value, i) => {
      if (version === 1) head.setFloat32(at + 4 * i, value, little);
      else head.setFloat64(at + 8 * i, value, little);
    });
  const { voxOffset = single ? start : 0, sform = [] } = fields;
  const sizes = [dims.length, ...dims];
  const text = (at: number, value: string): void =>
    Buffer.from(value, "latin1").forEach((letter, i) => {
      head.setUint8(at + i, letter);
    });
  int(0, size);
  if (version === 1) {
    for (const [i, value] of sizes.entries()) short(40 + 2 * i, value);
    short(68, intent);
    short(70, datatype);
    short(72, bitpix);
    real(76, pixdim);
    real(108, [voxOffset, slope, inter]);
    head.setUint8(123, units);
    short(252, qformCode);
    short(254, sformCode);
    real(256, [...quaternion, ...qoffset]);
    for (const [i, row] of sform.entries()) real(280 + 16 * i, row);
    text(344, magic);
  } else {
    text(4, magic);
    short(12, datatype);
    short(14, bitpix);
    for (const [i, value] of sizes.entries()) long(16 + 8 * i, value);
    real(104, pixdim);
    long(168, voxOffset);
    real(176, [slope, inter]);
    int(344, qformCode);
    int(348, sformCode);
    real(352, [...quaternion, ...qoffset]);
    for (const [i, row] of sform.entries()) real(400 + 4 * width * i, row);
    int(500, units);
    int(504, intent);
  }
  if (extension !== undefined && single) {
    head.setUint8(size, 1);
    int(size + 4, block);
    int(size + 8, 30);
    text(size + 12, extension);
  }
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), ...(single ? [voxels] : [])]));
}
