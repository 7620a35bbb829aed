import native from "@pixelcal/native";
import { type InvalidArgumentCode, InvalidArgumentError } from "./errors.js";

// Nothing else knows the form of native errors: "argument: expected X, got Y" with one of these codes.
const codes: ReadonlyMap<unknown, InvalidArgumentCode> = new Map([
  ["INVALID_ARGUMENT", "ERR_PIXELCAL_INVALID_ARGUMENT"],
  ["RESULT_TOO_LARGE", "ERR_PIXELCAL_RESULT_TOO_LARGE"],
]);

function translated(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? codes.get(error.code) : undefined;
  if (code === undefined) return error;
  const { message } = error as Error;
  return new InvalidArgumentError(message.split(":", 1)[0]!, message, { cause: error, code });
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
