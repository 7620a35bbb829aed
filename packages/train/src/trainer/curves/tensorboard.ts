import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EpochRecord } from "../epoch-record.js";

/** The file of a run's folder in TensorBoard's format; its name has what TensorBoard looks for. */
export const eventFile = "events.out.tfevents.pixelcal";

/** Writes the scalars of every epoch so far as a TensorBoard event file. */
export const writeEvents = (folder: string, history: readonly EpochRecord[]): Promise<void> =>
  writeFile(join(folder, eventFile), Buffer.concat([header(), ...history.map(eventsOf)]));

/** Appends the scalars of an epoch: TensorBoard follows a file that grows. */
export async function appendEvents(folder: string, record: EpochRecord): Promise<void> {
  const file = await open(join(folder, eventFile), "a");
  await file.appendFile(eventsOf(record)).finally(() => file.close());
}

// Event: wall_time = 1 (double), step = 2, file_version = 3, summary = 5; Summary: value = 1, of which
// tag = 1 and simple_value = 2 (float). Times are 0, so that equal runs write equal bytes.

const header = (): Buffer => framed(Buffer.concat([time(), field(3, Buffer.from("brain.Event:2"))]));

function eventsOf({ epoch, ...record }: EpochRecord): Buffer {
  const values = Object.entries(scalars(record)).map(([tag, value]) => {
    const number = Buffer.alloc(5);
    number[0] = (2 << 3) | 5;
    number.writeFloatLE(value, 1);
    return field(1, Buffer.concat([field(1, Buffer.from(tag)), number]));
  });
  const step = Buffer.concat([Buffer.of(2 << 3), varint(epoch)]);
  return framed(Buffer.concat([time(), step, field(5, Buffer.concat(values))]));
}

/** Returns the scalars of an epoch by tag; a class without a score has none. */
function scalars(record: Omit<EpochRecord, "epoch">): Record<string, number> {
  const found: [string, number | null | undefined][] = [
    ["learning_rate", record.learningRate],
    ["train/loss", record.trainLoss],
    ...Object.entries(record.trainTerms).map(([name, value]): [string, number] => [`train/${name}`, value]),
    ["validation/loss", record.validationLoss],
    ["validation/dice", record.validationDice],
    ["validation/nll", record.validationNll],
    ["validation/ece", record.validationEce],
    ["validation/pece", record.validationPece],
    ...Object.entries(record.validationClasses ?? {}).flatMap(([score, values]) =>
      (values as readonly (number | null)[]).map((value, c): [string, number | null] => [
        `validation_${score}/class_${c}`,
        value,
      ]),
    ),
  ];
  const known = found.filter((one): one is [string, number] => typeof one[1] === "number");
  return Object.fromEntries(known);
}

const time = (): Buffer => Buffer.from([(1 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0]);

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** Frames a record: its length, the masked checksum of that, the record and its masked checksum. */
function framed(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

function checksum(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return bytes;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** Returns the CRC-32C (Castagnoli) of bytes. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
