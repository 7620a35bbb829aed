import { type CalibratorName, calibratorNames, InvalidArgumentError } from "@pixelcal/core";
import type { LogitsPlace } from "./logits-place.js";

/** Methods that look at neighbours: they need logits in the image's own raster. */
const spatial: ReadonlySet<CalibratorName> = new Set([
  "distance-temperature",
  "distance-affine",
  "image-temperature",
  "local-temperature",
]);

/** Methods that are affine in the logits, so that interpolating before or after them is the same. */
const affine: ReadonlySet<CalibratorName> = new Set(["none", "temperature", "vector", "matrix"]);

/** Returns the methods that a place allows. */
export function fittingMethods({ raster }: Pick<LogitsPlace, "raster">): readonly CalibratorName[] {
  if (raster === "image") return calibratorNames;
  return calibratorNames.filter((name) => (raster === "moved" ? !spatial.has(name) : affine.has(name)));
}

/** Returns the error for a method that a place does not allow. */
export function unfitting(argument: string, name: CalibratorName, place: LogitsPlace): InvalidArgumentError {
  const reason = place.raster === "resized" ? "has another size than the image" : "moves its pixels later";
  const message = `${argument}: ${name} cannot calibrate ${place.output}, which ${reason}; expected one of ${fittingMethods(place).join(", ")}`;
  return new InvalidArgumentError(argument, message);
}
