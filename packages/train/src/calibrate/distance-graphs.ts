import type { CalibratorParameters } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { depthOf } from "./depth.js";
import {
  centred,
  isLabel,
  kept,
  labelsOf,
  largestOther,
  numbers,
  probabilitiesOf,
  raised,
  raisedTo,
  safeLog,
} from "./distributions.js";

type Distance = CalibratorParameters["distance-temperature"];
type Affine = CalibratorParameters["distance-affine"];

/** Returns the row of the tables for every pixel, int32 [N, 1, ...spatial]: rows of a side lie together. */
function rowOf(labels: Value, { windows, sides }: Distance): Value {
  const side = sides === "foreground" ? ops.Min(labels, 1) : labels;
  const row = ops.Add(depthOf(labels, windows), ops.Mul(side, windows.length + 1));
  return ops.Cast(row, "int32");
}

const lookedUp = (table: readonly (readonly number[])[], row: Value): Value => {
  const values = table.flat();
  return ops.Gather(numbers(row.graph, values, [values.length]), row);
};

export function distanceTemperature(z: Value, parameters: Distance): Value {
  const labels = labelsOf(z);
  const row = rowOf(labels, parameters);
  const scaled = ops.Mul(z, lookedUp(parameters.scales, row));
  const label = isLabel(z, labels);
  if (parameters.floor === undefined) return raised(scaled, label);
  return kept(floored(scaled, row, parameters), label);
}

export function distanceAffine(z: Value, parameters: Affine): Value {
  const labels = labelsOf(z);
  const row = rowOf(labels, parameters);
  const scaled = ops.Mul(centred(z), lookedUp(parameters.scales, row));
  const shifted = ops.Add(scaled, shiftsAt(row, parameters, z.dims[1]!));
  const label = isLabel(z, labels);
  const least = ops.Add(largestOther(shifted, label), parameters.margin);
  return kept(floored(raisedTo(shifted, label, least), row, parameters), label);
}

/** Returns the shift of every class, [N, C, ...spatial]. */
function shiftsAt(row: Value, { shifts }: Affine, classes: number): Value {
  const rows = shifts.flat();
  const table = Array.from({ length: classes }, (_, c) => rows.map((shift) => shift[c]!)).flat();
  const byClass = ops.Gather(numbers(row.graph, table, [classes, rows.length]), ops.Squeeze(row, [1]), 1);
  const axes = [...byClass.dims.keys()];
  return ops.Transpose(byClass, [1, 0, ...axes.slice(2)]);
}

/** Mixes in the even distribution: p = (1 - e) p + e / C; returns ln p. */
function floored(u: Value, row: Value, { floor }: Distance): Value {
  if (floor === undefined) return u;
  const share = lookedUp(floor, row);
  const mixed = ops.Add(ops.Mul(probabilitiesOf(u), ops.Sub(1, share)), ops.Div(share, u.dims[1]!));
  return safeLog(mixed);
}
