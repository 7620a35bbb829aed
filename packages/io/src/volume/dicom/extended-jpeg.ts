import { DamagedStream, type HuffmanCode, huffmanCode, ScanBits } from "./jpeg-bits.js";
import { inverseTransform } from "./jpeg-idct.js";

/** The place of each coefficient, row by row, in the order of the stream. */
const zigzag: readonly number[] = Array.from({ length: 64 }, (_, i) => i).sort((a, b) => {
  const [rowA, rowB] = [a >> 3, b >> 3];
  const [sumA, sumB] = [rowA + (a & 7), rowB + (b & 7)];
  if (sumA !== sumB) return sumA - sumB;
  return sumA % 2 === 0 ? rowB - rowA : rowA - rowB;
});

/** The tables and the place of the one scan of a stream. */
interface Scan {
  readonly quantisation: readonly number[];
  readonly direct: HuffmanCode;
  readonly others: HuffmanCode;
  readonly restart: number;
  readonly start: number;
}

const need = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new DamagedStream(`${what} is missing`);
  return value;
};

/** Reads the segments up to the first scan, which must have the one component. */
function scanOf(bytes: Uint8Array): Scan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const quantisations = new Map<number, number[]>();
  const codes = new Map<number, HuffmanCode>();
  let [restart, table] = [0, 0];
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 255) throw new DamagedStream("no marker where one is expected");
    if (marker === 255) {
      at++;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length || end < at + 4) throw new DamagedStream("a segment ends past the end");
    const body = bytes.subarray(at + 4, end);
    if (marker === 0xdb) readQuantisations(body, quantisations);
    else if (marker === 0xc4) readCodes(body, codes);
    else if (marker === 0xdd) restart = view.getUint16(at + 4);
    else if (marker === 0xc1) table = need(body[8], "the component");
    else if (marker === 0xda) {
      const selectors = need(body[2], "the scan's component");
      // Its first and last coefficient mean nothing here, and some writers leave both at 0.
      if (body[0] !== 1) throw new DamagedStream(`a scan of ${body[0]} components`);
      return {
        quantisation: need(quantisations.get(table), "the quantisation table"),
        direct: need(codes.get(selectors >> 4), "the code of means"),
        others: need(codes.get(16 + (selectors & 15)), "the code of coefficients"),
        restart,
        start: end,
      };
    }
    at = end;
  }
  throw new DamagedStream("has no scan");
}

function readQuantisations(body: Uint8Array, tables: Map<number, number[]>): void {
  for (let at = 0; at < body.length; ) {
    const [wide, name] = [body[at]! >> 4, body[at]! & 15];
    const width = wide > 0 ? 2 : 1;
    at++;
    if (at + 64 * width > body.length) throw new DamagedStream("a quantisation table ended early");
    const value = (i: number): number =>
      width === 2 ? 256 * body[at + 2 * i]! + body[at + 2 * i + 1]! : body[at + i]!;
    tables.set(
      name,
      Array.from({ length: 64 }, (_, i) => value(i)),
    );
    at += 64 * width;
  }
}

function readCodes(body: Uint8Array, codes: Map<number, HuffmanCode>): void {
  for (let at = 0; at < body.length; ) {
    const counts = body.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (at + 17 + total > body.length) throw new DamagedStream("a table of codes ended early");
    codes.set(body[at]!, huffmanCode(counts, body.subarray(at + 17, at + 17 + total)));
    at += 17 + total;
  }
}

/**
 * Unpacks a JPEG of one component of 12 bits (ITU-T T.81, process 4: sequential, Huffman codes), which the
 * optional packages do not read, as the Independent JPEG Group's library does, to the bit. Throws
 * DamagedStream.
 */
export function unpackExtendedJpeg(bytes: Uint8Array, columns: number, rows: number): Uint16Array {
  const { quantisation, direct, others, restart, start } = scanOf(bytes);
  const [across, down] = [Math.ceil(columns / 8), Math.ceil(rows / 8)];
  // A block takes a bit of its mean and one that ends it, at least.
  if (across * down > 4 * (bytes.length - start)) throw new DamagedStream("ended early");
  const out = new Uint16Array(columns * rows);
  const bits = new ScanBits(bytes, start);
  const block = new Float64Array(64);
  let mean = 0;
  for (let index = 0; index < across * down; index++) {
    if (restart > 0 && index > 0 && index % restart === 0) {
      bits.restart(index / restart - 1);
      mean = 0;
    }
    block.fill(0);
    mean += bits.number(bits.symbol(direct) & 15);
    block[0] = mean * quantisation[0]!;
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(others);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) break;
      k += run;
      if (k > 63) throw new DamagedStream("a block of more than 64 coefficients");
      if (size > 0) block[zigzag[k]!] = bits.number(size) * quantisation[k]!;
    }
    inverseTransform(block);
    const [x, y] = [8 * (index % across), 8 * Math.floor(index / across)];
    for (let row = 0; row < Math.min(8, rows - y); row++)
      for (let column = 0; column < Math.min(8, columns - x); column++)
        out[(y + row) * columns + x + column] = block[8 * row + column]!;
  }
  return out;
}
