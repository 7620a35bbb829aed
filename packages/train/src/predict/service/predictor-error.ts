/** The reason why a prediction failed. */
export type PredictorFailure =
  /** As many requests wait as the queue holds. */
  | "ERR_PIXELCAL_PREDICTOR_BUSY"
  /** The prediction took longer than `timeout`; its process was killed. */
  | "ERR_PIXELCAL_PREDICTOR_TIMEOUT"
  /** The process exited or was killed. */
  | "ERR_PIXELCAL_PREDICTOR_CRASHED"
  /** The caller's signal was aborted; `cause` is the signal's reason. */
  | "ERR_PIXELCAL_PREDICTOR_ABORTED"
  /** The predictor is closed. */
  | "ERR_PIXELCAL_PREDICTOR_CLOSED"
  /** The model does not accept such images, or failed on these. */
  | "ERR_PIXELCAL_PREDICTOR_FAILED";

/** A request that was not answered. Unless it is closed, the predictor continues with the other requests. */
export class PredictorError extends Error {
  readonly code: PredictorFailure;
  constructor(code: PredictorFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PredictorError";
    this.code = code;
  }
}
