/**
 * The error of a file that is missing, malformed or not what its reader expects: `path`, the array or field
 * (`key`), and the problem.
 */
export class FormatError extends Error {
  readonly path: string;
  readonly key: string | undefined;

  constructor(path: string, key: string | undefined, what: string, options?: ErrorOptions) {
    super(key === undefined ? `${path}: ${what}` : `${path}: ${key}: ${what}`, options);
    this.name = "FormatError";
    this.path = path;
    this.key = key;
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
  return what === undefined ? error : new FormatError(path, undefined, what, { cause: error });
}

/**
 * Turns a system error into one that says `path` cannot be written, and why; returns other errors unchanged.
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
  return what === undefined ? error : new Error(`${path}: cannot be written: ${what}`, { cause: error });
}
