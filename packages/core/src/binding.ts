import native from "@pixelcal/native";
import { InvalidArgumentError } from "./errors.js";

// Nothing else knows the form of native errors: "argument: expected X, got Y" with one of these codes.
const codes: ReadonlySet<unknown> = new Set(["INVALID_ARGUMENT", "RESULT_TOO_LARGE"]);

function translated(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || !codes.has(error.code)) return error;
  return new InvalidArgumentError(error.message.split(":", 1)[0]!, error.message, { cause: error });
}

/** Returns the result of a native `...Sync` kernel; throws its rejected arguments as InvalidArgumentError. */
export function callSync<R>(kernel: () => R): R {
  try {
    return kernel();
  } catch (error) {
    throw translated(error);
  }
}

/**
 * Returns the result of a native kernel that runs off the JS thread; throws its rejected arguments as
 * InvalidArgumentError.
 */
export async function call<R>(kernel: () => Promise<R>): Promise<R> {
  try {
    return await kernel();
  } catch (error) {
    throw translated(error);
  }
}

export { native };
