/** The codes of `InvalidArgumentError`: a wrong value, or one that asks for more than memory holds. */
export type InvalidArgumentCode = "ERR_PIXELCAL_INVALID_ARGUMENT" | "ERR_PIXELCAL_RESULT_TOO_LARGE";

/** The error of an argument that was rejected before any work started. */
export class InvalidArgumentError extends Error {
  override readonly name: string = "InvalidArgumentError";
  readonly code: InvalidArgumentCode;
  /** The argument's name, for example "labels" or "options.spacing". */
  readonly argument: string;

  constructor(
    argument: string,
    message: string,
    {
      code = "ERR_PIXELCAL_INVALID_ARGUMENT",
      ...options
    }: ErrorOptions & { code?: InvalidArgumentCode } = {},
  ) {
    super(message, options);
    this.code = code;
    this.argument = argument;
  }
}

/** Returns an error such as "labels: expected rank 3 to 5, got 2". */
export function invalidArgument(argument: string, expected: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(argument, `${argument}: expected ${expected}, got ${describe(got)}`);
}

// Callers can pass anything, from objects without a string form to strings of a megabyte.
function describe(value: unknown): string {
  if (typeof value === "string") {
    if (value === "") return "an empty string";
    return value.length > 100 ? `${value.slice(0, 100)}...` : value;
  }
  if (Array.isArray(value)) {
    const shown = value.slice(0, 16).map((item) => (Array.isArray(item) ? "an array" : describe(item)));
    return `[${shown.join(", ")}${value.length > shown.length ? `, ... ${value.length} in all` : ""}]`;
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    const name: unknown = value.constructor?.name;
    return typeof name === "string" && name !== "" ? name : "an object";
  }
  return String(value);
}
