import { AggregatorRegistry, Registry } from "prom-client";
import type { Ledger } from "../ledger.js";
import type { Running } from "../serve.js";
import { buildServer } from "../server.js";
import type { Settings } from "../settings.js";
import { type Answer, type Ask, isAnswer } from "./messages.js";

/** The ledger of a worker: the primary keeps it. */
class RemoteLedger implements Ledger {
  readonly #asked = new Map<number, (content: Answer["content"]) => void>();
  #last = 0;

  constructor() {
    process.on("message", (message) => {
      if (!isAnswer(message)) return;
      this.#asked.get(message.id)?.(message.content);
      this.#asked.delete(message.id);
    });
  }

  async record(state: Uint8Array): Promise<void> {
    await this.#ask("record", state);
  }

  async state(): Promise<Uint8Array> {
    return (await this.#ask("state")).state!;
  }

  async metrics(): Promise<string> {
    return (await this.#ask("metrics")).text!;
  }

  async #ask(what: Ask["what"], state?: Uint8Array): Promise<Answer["content"]> {
    const id = ++this.#last;
    const ask: Ask = { kind: "scoring-ask", id, what, ...(state && { state }) };
    const content = await new Promise<Answer["content"]>((resolve) => {
      this.#asked.set(id, resolve);
      // If the primary is gone, so is this process soon.
      process.send?.(ask, undefined, undefined, (error: Error | null) => {
        if (error) resolve({ error: error.message });
      });
    });
    if (content.error !== undefined) throw new Error(`the primary: ${content.error}`);
    return content;
  }
}

/** Serves in a worker of the cluster. */
export async function serveAsWorker(settings: Settings): Promise<Running> {
  const registry = new Registry();
  AggregatorRegistry.setRegistries(registry);
  new AggregatorRegistry();
  const server = await buildServer({ settings, ledger: new RemoteLedger(), registry });
  const url = await server.listen({ host: settings.host, port: settings.port });
  return {
    url,
    async close() {
      await server.close();
      process.disconnect?.();
    },
  };
}
