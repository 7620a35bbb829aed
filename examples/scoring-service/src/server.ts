import { setThreadCount } from "@pixelcal/core";
import { Predictor } from "@pixelcal/train";
import Fastify, { type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { Admission } from "./admission.js";
import { addCounters } from "./counters.js";
import { refusalOf } from "./refusal.js";
import { addCalibration } from "./routes/calibration.js";
import { addCases } from "./routes/cases.js";
import { addHealth } from "./routes/health.js";
import type { Parts, Service } from "./service.js";
import type { Settings } from "./settings.js";

/**
 * Makes the HTTP server of one process. Closing it refuses new requests, answers those in progress and ends
 * the predictor.
 */
export async function buildServer(parts: Parts): Promise<FastifyInstance> {
  const { settings, registry } = parts;
  setThreadCount(settings.threads);
  const admission = new Admission(settings);
  const predictor = await openPredictor(settings);
  const service: Service = { ...parts, admission, predictor };
  const server = Fastify({
    bodyLimit: settings.bodyLimit * 2 ** 20,
    // Connections that are idle end at once on closing, others after their answer.
    forceCloseConnections: "idle",
    // Options of requests that nobody knows are refused, not dropped.
    ajv: { customOptions: { removeAdditional: false } },
    logger: { level: "error", stream: process.stderr },
    requestTimeout: 120_000,
  });
  addBodies(server);
  addAnswers(server, service, registry);
  addCases(server, service);
  addCalibration(server, service);
  addHealth(server, service);
  if (predictor) server.addHook("onClose", () => predictor.close());
  return server;
}

function openPredictor({ model, concurrency, queue, threads }: Settings): Promise<Predictor> | undefined {
  if (model === undefined) return undefined;
  // Admission bounds the requests already; whoever is admitted waits for a place.
  return Predictor.open({ model, threads, queue: concurrency + queue, timeout: 60_000, stderr: "ignore" });
}

/** Takes archives and forms as bytes; a body of any other type is refused with 415. */
function addBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const types = ["application/octet-stream", "application/zip", "multipart/form-data"];
  server.addContentTypeParser(types, { parseAs: "buffer" }, (_, body, done) => done(null, body));
}

/** Counts every answer, and answers what failed with a status and one sentence. */
function addAnswers(server: FastifyInstance, { admission }: Service, registry: Registry): void {
  const counters = addCounters(registry, admission);
  server.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    counters.answered(route, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  server.setErrorHandler((error, request, reply) => {
    const { statusCode, code, message, retryAfter } = refusalOf(error);
    if (statusCode === 500) request.log.error(error);
    if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
    return reply.code(statusCode).send({ error: { code, message } });
  });
  server.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split("?")[0]}`;
    return reply.code(404).send({ error: { code: "not_found", message } });
  });
}
