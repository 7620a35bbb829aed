/** A failure that one line explains to a person; 2 is the exit code of a usage error. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The work was stopped by the user (Ctrl-C); what was finished is kept. */
export class Interrupted extends CommandError {
  constructor(message: string) {
    super(message, { exitCode: 130 });
  }
}
