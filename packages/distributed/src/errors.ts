/** MPI could not be started, or a call of it failed. */
export class MpiError extends Error {
  override readonly name = "MpiError";
  readonly code = "ERR_PIXELCAL_MPI";
}
