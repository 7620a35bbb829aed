import { invalidArgument, type Tensor } from "@pixelcal/core";
import { elements } from "./element.js";
import { boundedCount, defaultLimits } from "./limits.js";

/** Throws `InvalidArgumentError` for a tensor that the readers, with their default limits, would refuse. */
export function checkWritable(argument: string, { type, dims, data }: Tensor): void {
  if (!Object.hasOwn(elements, type))
    throw invalidArgument(`${argument}.type`, Object.keys(elements).join(", "), type);
  const count = boundedCount(dims, defaultLimits);
  if (typeof count === "string")
    throw invalidArgument(`${argument}.dims`, "dims that can be read back", count);
  const bytes = count * elements[type].bytes;
  if (data.byteLength !== bytes)
    throw invalidArgument(`${argument}.data`, `${bytes} bytes for [${dims}] of ${type}`, data.byteLength);
}

/** Throws `InvalidArgumentError` for a file that would be longer than the readers accept. */
export function checkFileSize(argument: string, bytes: number): void {
  if (bytes > defaultLimits.maxFile)
    throw invalidArgument(argument, `at most ${defaultLimits.maxFile} bytes, which can be read back`, bytes);
}
