import type { FastifyInstance } from "fastify";
import type { Service } from "../service.js";

/** Adds the route that load balancers ask: 200 while the process takes cases. */
export function addHealth(server: FastifyInstance, { admission, predictor }: Service): void {
  server.get("/health", () => ({
    status: "ok",
    pid: process.pid,
    ...admission.state,
    ...(predictor && { predictor: predictor.health().state }),
  }));
}
