import { readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { LocalLedger } from "./ledger.js";
import { buildServer } from "./server.js";
import type { Settings } from "./settings.js";

/** A service that runs. */
export interface Running {
  /** The address, for example "http://127.0.0.1:8080". */
  readonly url: string;
  /** Answers the requests in progress and stops. */
  close(): Promise<void>;
}

/** Serves in this process. */
export async function serve(settings: Settings): Promise<Running> {
  const registry = new Registry();
  const ledger = new LocalLedger(settings, readBaseline(settings), () => registry.metrics());
  const server = await buildServer({ settings, ledger, registry });
  const url = await server.listen({ host: settings.host, port: settings.port });
  return { url, close: () => server.close() };
}

export const readBaseline = ({ baseline }: Pick<Settings, "baseline">): Uint8Array | undefined =>
  baseline === undefined ? undefined : new Uint8Array(readFileSync(baseline));
