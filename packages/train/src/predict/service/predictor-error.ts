/** The reason why a prediction failed. */
export type PredictorFailure =
  /** As many requests wait as the queue holds. */
  | "busy"
  /** The prediction took longer than `timeout`; its process was killed. */
  | "timeout"
  /** The process exited or was killed. */
  | "crashed"
  /** The caller's signal was aborted. */
  | "aborted"
  /** The predictor is closed. */
  | "closed"
  /** The model does not accept such images, or failed on these. */
  | "failed";

/** A request that was not answered. Unless it is closed, the predictor continues with the other requests. */
export class PredictorError extends Error {
  readonly code: PredictorFailure;
  constructor(code: PredictorFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PredictorError";
    this.code = code;
  }
}
