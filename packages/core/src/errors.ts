/** An argument that was rejected before any work started. */
export class InvalidArgumentError extends Error {
  override readonly name: string = "InvalidArgumentError";
  /** The argument's name, for example "labels" or "options.spacing". */
  readonly argument: string;

  constructor(argument: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.argument = argument;
  }
}

/** The error "labels: expected rank 3 to 5, got 2". */
export function invalidArgument(argument: string, expected: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(argument, `${argument}: expected ${expected}, got ${describe(got)}`);
}

function describe(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : value;
  if (Array.isArray(value)) return `[${value.join(", ")}]`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "an object";
  return String(value);
}
