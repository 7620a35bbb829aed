import { channel } from "node:diagnostics_channel";

/** A message of the channel `pixelcal:predictor:restart`: another process is started for one that ended. */
export interface PredictorRestart {
  /** The process that ended, and why. */
  readonly pid: number | undefined;
  readonly reason: string;
  /** Restarts in this place so far, with this one. */
  readonly restarts: number;
}

/** A message of the channel `pixelcal:predictor:timeout`: a process is killed as its run takes too long. */
export interface PredictorTimeout {
  readonly pid: number | undefined;
  /** Milliseconds that the run was given. */
  readonly timeout: number;
  /** Requests of the run. */
  readonly requests: number;
}

const [restarts, timeouts] = [channel("pixelcal:predictor:restart"), channel("pixelcal:predictor:timeout")];

export const publishRestart = (message: PredictorRestart): void => restarts.publish(message);
export const publishTimeout = (message: PredictorTimeout): void => timeouts.publish(message);
