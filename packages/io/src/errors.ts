/**
 * The error of a file that is missing, malformed or not what its reader expects: `path`, the array or field
 * (`key`), and the problem.
 */
export class FormatError extends Error {
  /**
   * `ERR_PIXELCAL_FORMAT` for content that is wrong, `ERR_PIXELCAL_LIMIT` for a source beyond the reader's
   * limits, `ERR_PIXELCAL_FILE` for a file that cannot be read; `cause` then has the system's code.
   */
  readonly code: string;
  readonly path: string;
  readonly key: string | undefined;

  constructor(
    path: string,
    key: string | undefined,
    what: string,
    { code = "ERR_PIXELCAL_FORMAT", ...options }: ErrorOptions & { code?: string } = {},
  ) {
    super(key === undefined ? `${path}: ${what}` : `${path}: ${key}: ${what}`, options);
    this.name = "FormatError";
    this.code = code;
    this.path = path;
    this.key = key;
  }
}

/** Returns the error with the code of a source that exceeds a limit. */
export function overLimit<E extends Error>(error: E): E {
  return Object.assign(error, { code: "ERR_PIXELCAL_LIMIT" });
}

/** The error of a file that cannot be written; `cause` is the system's error. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly code = "ERR_PIXELCAL_WRITE";
  readonly path: string;

  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`${path}: cannot be written: ${what}`, options);
    this.path = path;
  }
}

/** Returns the system's error code ("ENOENT", ...) of an unknown exception, or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Turns a system error about `path` into a FormatError that a person can act on; returns other errors
 * unchanged.
 */
export function fileError(path: string, error: unknown): unknown {
  const code = errorCode(error);
  const text: Record<string, string> = {
    ENOENT: "no such file",
    EISDIR: "is a directory, expected a file",
    ENOTDIR: "a part of the path is a file, expected a folder",
    // ENXIO comes from opening a socket, or a device without a driver.
    ENXIO: "is a socket or a device, expected a file",
    ENODEV: "is a device, expected a file",
    ELOOP: "its symbolic links form a loop",
    ENAMETOOLONG: "the name is too long",
    EIO: "the device reported an error",
    EACCES: "permission denied",
    EPERM: "permission denied",
  };
  const what = code === undefined ? undefined : text[code];
  if (what === undefined) return error;
  return new FormatError(path, undefined, what, { cause: error, code: "ERR_PIXELCAL_FILE" });
}

/**
 * Turns a system error into a WriteError that says why `path` cannot be written; returns other errors
 * unchanged.
 */
export function writeError(path: string, error: unknown): unknown {
  const text: Record<string, string> = {
    ENOSPC: "no space left on the device",
    EDQUOT: "the disk quota is exceeded",
    EFBIG: "the file would be too large",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "the file system is read-only",
    EISDIR: "a folder has this name",
    ENOTDIR: "a part of the path is a file, expected a folder",
    ENOENT: "its folder cannot be created",
    EIO: "the device reported an error",
  };
  const what = text[errorCode(error) ?? ""];
  return what === undefined ? error : new WriteError(path, what, { cause: error });
}
