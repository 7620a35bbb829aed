import { checkInteger } from "../check.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { mostClasses } from "./calibration-cases.js";
import { Calibrator } from "./calibrator.js";
import { type CalibratorJson, checksum } from "./calibrator-json.js";
import { calibratorNames } from "./check-parameters.js";

/**
 * Returns the calibrator of `JSON.parse`d JSON that `JSON.stringify` made of one. Throws
 * `InvalidArgumentError` for anything else and for damaged parameters.
 */
export function calibratorFromJSON(json: unknown): Calibrator {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalidArgument("json", "an object, as JSON.parse returns it", json);
  const { kind, version, name, classes, parameters, checksum: stored } = json as Partial<CalibratorJson>;
  if (kind !== "calibrator") throw invalidArgument("json.kind", "calibrator", kind);
  if (version !== 1) throw invalidArgument("json.version", "version 1", version);
  if (typeof name !== "string" || !calibratorNames.includes(name))
    throw invalidArgument("json.name", `one of ${calibratorNames.join(", ")}`, name);
  checkInteger("json.classes", classes as number, 2, mostClasses);
  if (typeof parameters !== "object" || parameters === null)
    throw invalidArgument("json.parameters", "an object", parameters);
  if (stored !== checksum({ name, classes: classes!, parameters }))
    throw new InvalidArgumentError(
      "json",
      "json: damaged (checksum mismatch); restore an intact copy or fit the calibrator again",
    );
  return new Calibrator(name, classes!, parameters);
}
