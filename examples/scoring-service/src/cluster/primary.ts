import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { AggregatorRegistry } from "prom-client";
import { LocalLedger } from "../ledger.js";
import type { Running } from "../serve.js";
import { readBaseline } from "../serve.js";
import type { Settings } from "../settings.js";
import { type Answer, type Ask, isAsk } from "./messages.js";

/**
 * Serves in `settings.workers` processes on one port. The primary keeps the ledger: a worker that crashes
 * loses its requests in progress and no case that was recorded. A new worker takes its place.
 */
export async function serveAsCluster(settings: Settings): Promise<Running> {
  const aggregator = new AggregatorRegistry();
  const ledger = new LocalLedger(settings, readBaseline(settings), () => aggregator.clusterMetrics());
  let closing = false;
  cluster.setupPrimary({ serialization: "advanced" });
  cluster.on("message", (worker, message) => void answer(ledger, worker, message));
  cluster.on("exit", () => {
    if (!closing) cluster.fork();
  });
  const addresses = await Promise.all(Array.from({ length: settings.workers }, started));
  const close = async (): Promise<void> => {
    closing = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(
      workers.map((worker) => {
        worker.process.kill("SIGTERM");
        return once(worker, "exit");
      }),
    );
  };
  return { url: `http://${settings.host}:${addresses[0]!.port}`, close };
}

/** Starts a worker and waits until it listens; throws if it ends before. */
async function started(): Promise<AddressInfo> {
  const worker = cluster.fork();
  const ended = once(worker, "exit").then(([code]) => {
    throw new Error(`a worker ended with exit code ${code} before it could listen`);
  });
  ended.catch(() => undefined);
  const [address] = (await Promise.race([once(worker, "listening"), ended])) as [AddressInfo];
  return address;
}

async function answer(ledger: LocalLedger, worker: Worker, message: unknown): Promise<void> {
  if (!isAsk(message)) return;
  const content = await contentOf(ledger, message).catch((error) => ({ error: String(error) }));
  const reply: Answer = { kind: "scoring-answer", id: message.id, content };
  // The worker may have ended meanwhile.
  if (worker.isConnected()) worker.send(reply, () => undefined);
}

async function contentOf(ledger: LocalLedger, { what, state }: Ask): Promise<Answer["content"]> {
  if (what === "metrics") return { text: await ledger.metrics() };
  if (what === "state") return { state: await ledger.state() };
  await ledger.record(state!);
  return {};
}
