/** The error of a failure that one line explains to the user; exit code 2 means a usage error. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string = "ERR_PIXELCAL_COMMAND";
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The error of work that the user stopped (Ctrl-C); finished work is kept. */
export class Interrupted extends CommandError {
  override readonly code = "ERR_PIXELCAL_INTERRUPTED";

  constructor(message: string) {
    super(message, { exitCode: 130 });
  }
}
