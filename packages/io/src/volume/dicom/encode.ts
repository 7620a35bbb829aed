/** The value of an element to be made: text, numbers, bytes, items, or packed pixels in fragments. */
export type DicomValue =
  | string
  | Uint8Array
  | readonly number[]
  | readonly DicomElements[]
  | { readonly fragments: readonly Uint8Array[]; readonly offsets?: readonly number[] };

/** Elements by tag, each with its type (VR); undefined ones are left out. */
export type DicomElements = Readonly<Record<number, readonly [vr: string, value: DicomValue] | undefined>>;

export interface DicomLayout {
  readonly little?: boolean;
  readonly explicit?: boolean;
  /** Whether sequences and items have delimiters in place of lengths. */
  readonly open?: boolean;
}

const long = /^(O[BDFLVW]|S[QV]|U[CNRTV])$/;
const widths: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OV: 8 };

function numberBytes(vr: string, values: readonly number[], little: boolean): Uint8Array {
  const width = widths[vr] ?? 2;
  const view = new DataView(new ArrayBuffer(width * values.length));
  for (const [i, value] of values.entries()) {
    const at = i * width;
    if (vr === "FL") view.setFloat32(at, value, little);
    else if (vr === "FD") view.setFloat64(at, value, little);
    else if (width === 8) view.setBigUint64(at, BigInt(value), little);
    else if (width === 4) view.setUint32(at, value, little);
    else view.setUint16(at, value, little);
  }
  return new Uint8Array(view.buffer);
}

/** Returns the bytes before a value: its tag, its type (none for items and delimiters) and its length. */
export function elementHead(
  tag: number,
  vr: string,
  length: number,
  { little = true, explicit = true }: DicomLayout = {},
): Uint8Array {
  const wide = explicit && vr !== "" && long.test(vr);
  const view = new DataView(new ArrayBuffer(wide ? 12 : 8));
  view.setUint16(0, Math.floor(tag / 0x10000), little);
  view.setUint16(2, tag % 0x10000, little);
  if (explicit && vr !== "") for (const i of [0, 1]) view.setUint8(4 + i, vr.charCodeAt(i));
  if (wide || !explicit || vr === "") view.setUint32(wide ? 8 : 4, length, little);
  else view.setUint16(6, length, little);
  return new Uint8Array(view.buffer);
}

/** Returns UTF-8 of an even number of bytes. */
function evenText(text: string, vr: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(vr === "UI" ? "\0" : " ")]);
}

/** Returns the bytes of a data set, its elements in the order of their tags. */
export function dataSetBytes(elements: DicomElements, layout: DicomLayout = {}): Uint8Array {
  const { little = true, open = false } = layout;
  const head = (tag: number, vr: string, length: number): Uint8Array => elementHead(tag, vr, length, layout);
  const part = (tag: number, body: Uint8Array): Uint8Array =>
    Buffer.concat([head(tag, "", body.length), body]);
  const end = (tag: number): Uint8Array => head(tag, "", 0);
  const item = (of: DicomElements): Uint8Array => {
    const body = dataSetBytes(of, layout);
    return open
      ? Buffer.concat([head(0xfffee000, "", 0xffffffff), body, end(0xfffee00d)])
      : part(0xfffee000, body);
  };
  const parts = Object.entries(elements)
    .flatMap(([tag, entry]) => (entry ? [[Number(tag), ...entry] as const] : []))
    .sort(([a], [b]) => a - b)
    .flatMap(([tag, vr, value]) => {
      if (typeof value === "object" && "fragments" in value) {
        const table = part(0xfffee000, numberBytes("UL", value.offsets ?? [], little));
        const fragments = value.fragments.map((fragment) => part(0xfffee000, fragment));
        return [head(tag, vr, 0xffffffff), table, ...fragments, end(0xfffee0dd)];
      }
      if (vr === "SQ") {
        const body = Buffer.concat((value as readonly DicomElements[]).map(item));
        return open ? [head(tag, vr, 0xffffffff), body, end(0xfffee0dd)] : [head(tag, vr, body.length), body];
      }
      const body =
        typeof value === "string"
          ? evenText(value, vr)
          : value instanceof Uint8Array
            ? value
            : numberBytes(vr, value as readonly number[], little);
      return [head(tag, vr, body.length), body];
    });
  return new Uint8Array(Buffer.concat(parts));
}
