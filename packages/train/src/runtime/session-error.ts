/** The error of a model that the runtime does not load, or of work after `close`. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code = "ERR_PIXELCAL_SESSION";
}
