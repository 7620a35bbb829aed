import type { Graph } from "@pixelcal/graph";
import { channelBlock } from "./channel-block.js";
import type { ModelSource } from "./model-source.js";
import type { Resident } from "./resident.js";
import { createSession, type Session } from "./session.js";
import { SessionCache } from "./session-cache.js";
import {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  type StepGraphOptions,
} from "./step-graph.js";

/** The graphs of a training, laid out and compiled for the image dims they are asked for. */
export class TrainingSessions {
  /** What keeps the arrays on the device, if anything does: the graphs are then made for its packs. */
  resident: Resident | undefined;
  readonly #source: ModelSource;
  readonly #options: StepGraphOptions & { readonly threads: number };
  readonly #cache = new SessionCache(6);

  constructor(source: ModelSource, options: StepGraphOptions & { readonly threads: number }) {
    this.#source = source;
    this.#options = options;
  }

  step(dims: readonly number[]): Promise<Session> {
    const { packs, kept } = this.resident ?? {};
    const build = async (model: Graph): Promise<Graph> => {
      const block = await channelBlock(this.#options.device ?? "cpu");
      return buildStepGraph(model, { ...this.#options, block, ...(packs && { packs }) });
    };
    return this.#open("step", dims, build, kept);
  }

  evaluation(dims: readonly number[]): Promise<Session> {
    const { loss, device } = this.#options;
    const build = (model: Graph): Graph => buildEvaluationGraph(model, loss, device, this.resident?.packs);
    return this.#open("evaluation", dims, build);
  }

  inference(dims: readonly number[]): Promise<Session> {
    const build = (model: Graph): Graph =>
      buildInferenceGraph(model, this.#options.device, this.resident?.packs);
    return this.#open("inference", dims, build);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  #open(
    kind: string,
    dims: readonly number[],
    build: (model: Graph) => Graph | Promise<Graph>,
    keep: readonly string[] = [],
  ): Promise<Session> {
    const { device, threads } = this.#options;
    return this.#cache.open(`${kind} ${dims}`, async () =>
      createSession(await build(this.#source(dims)), { device, threads, keep }),
    );
  }
}
