/** A request that is answered with a status other than 200 and one sentence. */
export class Refusal extends Error {
  readonly statusCode: number;
  readonly code: string;
  /** Seconds after which the client may try again. */
  readonly retryAfter: number | undefined;

  constructor(statusCode: number, code: string, message: string, retryAfter?: number) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The statuses by the stable codes of errors of PixelCal and of its Predictor; Fastify has its own. */
const statuses: Readonly<Record<string, number>> = {
  ERR_PIXELCAL_FORMAT: 422,
  ERR_PIXELCAL_INVALID_ARGUMENT: 422,
  ERR_PIXELCAL_LIMIT: 413,
  ERR_PIXELCAL_RESULT_TOO_LARGE: 413,
  ERR_PIXELCAL_PREDICTOR_FAILED: 422,
  ERR_PIXELCAL_PREDICTOR_BUSY: 503,
  ERR_PIXELCAL_PREDICTOR_CLOSED: 503,
  ERR_PIXELCAL_PREDICTOR_CRASHED: 503,
  ERR_PIXELCAL_PREDICTOR_TIMEOUT: 504,
  ERR_PIXELCAL_PREDICTOR_ABORTED: 499,
};

/** The sentences of errors whose own messages do not say what to do. */
const sentences: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "the case is larger than the service takes (--body-limit)",
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    "expected content-type application/octet-stream (an NPZ archive) or multipart/form-data (files)",
};

/** Returns the answer to a request that failed; an error that is nobody's fault but ours is a bare 500. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { code, message, statusCode } = error as Partial<Record<"code" | "message" | "statusCode", unknown>>;
  const name = String(code);
  const status = statuses[name] ?? (isClientError(statusCode) ? statusCode : undefined);
  if (status === undefined) return new Refusal(500, "internal", "the service failed; its log says why");
  return new Refusal(status, name, sentences[name] ?? String(message), status === 503 ? 1 : undefined);
}

const isClientError = (status: unknown): status is number =>
  typeof status === "number" && status >= 400 && status < 500;
