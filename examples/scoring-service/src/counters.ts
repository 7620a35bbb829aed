import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { Admission } from "./admission.js";

/** The counters of one serving process. */
export interface Counters {
  /** Counts an answer, with the seconds that it took. */
  answered(route: string, status: number, seconds: number): void;
}

/** Adds the counters of a serving process to a registry; those of several processes add up. */
export function addCounters(registry: Registry, admission: Admission): Counters {
  collectDefaultMetrics({ register: registry });
  const answers = new Counter({
    name: "http_requests_total",
    help: "Answers by route and status",
    labelNames: ["route", "status"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "http_request_seconds",
    help: "Seconds from the request to the answer",
    labelNames: ["route"],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  for (const name of ["working", "waiting"] as const)
    new Gauge({
      name: `pixelcal_${name}`,
      help: `Cases that are ${name}`,
      registers: [registry],
      collect() {
        this.set(admission.state[name]);
      },
    });
  return {
    answered(route, status, took) {
      answers.inc({ route, status });
      seconds.observe({ route }, took);
    },
  };
}
