import { type ProbabilityTransform, probabilityTransforms } from "@pixelcal/evaluate";
import { encodeNpz } from "@pixelcal/io";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Place } from "../admission.js";
import { readImage, readPredicted } from "../cases.js";
import { predict } from "../prediction.js";
import { Refusal } from "../refusal.js";
import { score } from "../scoring.js";
import type { Service } from "../service.js";

interface Query {
  /** The name of the case in the answer. */
  readonly name?: string;
  /** The conversion of the values in `probs` to probabilities. */
  readonly transform?: ProbabilityTransform;
}

/** A case whose turn has come. */
interface Work {
  readonly query: Query;
  readonly body: Uint8Array;
  readonly type: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

const querystring = {
  type: "object",
  additionalProperties: false,
  properties: {
    name: { type: "string", maxLength: 200 },
    transform: { type: "string", enum: [...probabilityTransforms] },
  },
} as const;

/** Adds the routes that take a case: to score, to predict and score, or to predict alone. */
export function addCases(server: FastifyInstance, service: Service): void {
  const { admission, ledger, settings } = service;
  const places = new WeakMap<object, Place>();
  /** Adds the route of one kind of work: in its turn, and no request of more than the service holds. */
  const route = (url: string, work: (request: Work) => Promise<unknown>): void => {
    server.post<{ Querystring: Query }>(url, {
      schema: { querystring },
      onRequest: (request, reply, done) => {
        // Before the body is read: uploads that wait would fill the memory.
        const place = admission.enter();
        places.set(request, place);
        reply.raw.once("close", () => admission.leave(place));
        done();
      },
      handler: async (request, reply) => {
        const { body, query } = request;
        if (!(body instanceof Uint8Array) || body.length === 0)
          throw new Refusal(422, "empty", "the request has no body; send a case");
        const type = request.headers["content-type"] ?? "";
        const signal = signalOf(reply);
        const answer = await admission.work(places.get(request)!, () => work({ query, body, type, signal }));
        return answer instanceof Uint8Array ? reply.type("application/octet-stream").send(answer) : answer;
      },
    });
  };

  route("/v1/score", async ({ query, body, type }) => {
    const name = query.name ?? "case";
    const { scores, state } = await score(name, await readPredicted(body, type), settings, query.transform);
    await ledger.record(state);
    return { name, scores: finite(scores) };
  });

  route("/v1/predict-and-score", async ({ query, body, type, signal }) => {
    const name = query.name ?? "case";
    const { image, labels, spacing } = await readImage(body, type);
    if (labels === undefined)
      throw new Refusal(422, "fields", "expected the files image and label, got image");
    const probs = await predict(service, image, signal);
    const { scores, state } = await score(name, { probs, labels, spacing }, settings, undefined);
    await ledger.record(state);
    return { name, scores: finite(scores) };
  });

  route("/v1/predict", async ({ body, type, signal }) => {
    const { image } = await readImage(body, type);
    return encodeNpz({ probs: await predict(service, image, signal) }, { level: 0 });
  });
}

/** Returns a signal that is aborted if the connection closes before the answer is sent. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** Returns scores as JSON can hold them: null where undefined, "inf" where infinite. */
function finite(scores: Readonly<Record<string, number>>): Readonly<Record<string, number | "inf" | null>> {
  const value = (score: number) => (Number.isNaN(score) ? null : Number.isFinite(score) ? score : "inf");
  return Object.fromEntries(Object.entries(scores).map(([column, score]) => [column, value(score)]));
}
