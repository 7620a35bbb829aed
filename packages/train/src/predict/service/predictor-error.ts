/** Why there is no prediction. */
export type PredictorFailure =
  /** As many requests wait as the queue holds. */
  | "busy"
  /** It took longer than it may; its process was ended. */
  | "timeout"
  /** The process ended by itself or by another's hand. */
  | "crashed"
  /** The caller's signal was aborted. */
  | "aborted"
  /** The predictor is closed. */
  | "closed"
  /** The model does not take such images, or failed on these. */
  | "failed";

/** A request that was not answered; the predictor goes on with the others, unless it is closed. */
export class PredictorError extends Error {
  readonly code: PredictorFailure;
  constructor(code: PredictorFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PredictorError";
    this.code = code;
  }
}
