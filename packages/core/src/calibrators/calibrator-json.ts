import { crc32 } from "node:zlib";
import type { CalibratorName, CalibratorParameters } from "./parameters.js";

/** A calibrator as JSON holds it. */
export interface CalibratorJson<N extends CalibratorName = CalibratorName> {
  readonly kind: "calibrator";
  readonly version: 1;
  readonly name: N;
  readonly classes: number;
  readonly parameters: CalibratorParameters[N];
  /** The CRC-32 (zlib's) of `JSON.stringify([name, classes, parameters])` as UTF-8. */
  readonly checksum: number;
}

type Content<N extends CalibratorName> = Pick<CalibratorJson<N>, "name" | "classes" | "parameters">;

/** Returns a calibrator's JSON with its checksum. */
export function calibratorJson<N extends CalibratorName>(content: Content<N>): CalibratorJson<N> {
  const { name, classes, parameters } = content;
  return { kind: "calibrator", version: 1, name, classes, parameters, checksum: checksum(content) };
}

/** Returns the checksum of a calibrator's content. */
export function checksum<N extends CalibratorName>({ name, classes, parameters }: Content<N>): number {
  return crc32(JSON.stringify([name, classes, parameters]));
}
