import native from "@pixelcal/native";
import { InvalidArgumentError } from "./errors.js";

// The one place that knows how native errors look: "argument: expected X, got Y" with code INVALID_ARGUMENT.
function translated(error: unknown): unknown {
  if (!(error instanceof TypeError) || !("code" in error) || error.code !== "INVALID_ARGUMENT") return error;
  return new InvalidArgumentError(error.message.split(":", 1)[0]!, error.message, { cause: error });
}

/** The result of a native `...Sync` kernel, its rejected arguments as InvalidArgumentError. */
export function callSync<R>(kernel: () => R): R {
  try {
    return kernel();
  } catch (error) {
    throw translated(error);
  }
}

/** The result of a native kernel that runs off the JS thread, its rejected arguments as InvalidArgumentError. */
export async function call<R>(kernel: () => Promise<R>): Promise<R> {
  try {
    return await kernel();
  } catch (error) {
    throw translated(error);
  }
}

export { native };
