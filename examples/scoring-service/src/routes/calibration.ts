import type { FastifyInstance } from "fastify";
import type { Service } from "../service.js";

/** Adds the routes of the running calibration. */
export function addCalibration(server: FastifyInstance, { ledger }: Service): void {
  server.get("/metrics", async (_, reply) => {
    const text = await ledger.metrics();
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
  });
  server.get("/v1/state", async (_, reply) =>
    reply.type("application/octet-stream").send(Buffer.from(await ledger.state())),
  );
}
