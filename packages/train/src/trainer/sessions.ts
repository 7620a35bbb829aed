import type { Graph } from "@pixelcal/graph";
import type { ModelSource } from "../model/source.js";
import { withProbabilities } from "../predict/probability-graph.js";
import { channelBlock } from "../runtime/channel-block.js";
import { createSession, type Session } from "../runtime/session.js";
import { SessionCache } from "../runtime/session-cache.js";
import {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  type GraphLayout,
  type StepGraphOptions,
} from "./step-graph.js";

/** The sessions of a training's graphs, built and compiled on demand for given image dims. */
export class TrainingSessions {
  readonly #source: ModelSource;
  readonly #options: StepGraphOptions & { readonly threads: number };
  readonly #kept: readonly string[];
  readonly #cache = new SessionCache(6);

  /** `kept` names the outputs of a step that stay on the device. */
  constructor(
    source: ModelSource,
    options: StepGraphOptions & { readonly threads: number },
    kept: readonly string[],
  ) {
    this.#source = source;
    this.#options = options;
    this.#kept = kept;
  }

  step(dims: readonly number[]): Promise<Session> {
    const { threads: _, ...options } = this.#options;
    const build = (model: Graph, layout: GraphLayout): Graph =>
      buildStepGraph(model, { ...options, ...layout });
    return this.#open("step", dims, build, this.#kept);
  }

  evaluation(dims: readonly number[]): Promise<Session> {
    const build = (model: Graph, layout: GraphLayout): Graph =>
      buildEvaluationGraph(model, this.#options.loss, layout);
    return this.#open("evaluation", dims, build);
  }

  inference(kind: "probabilities" | "logits", dims: readonly number[]): Promise<Session> {
    const build = (model: Graph, layout: GraphLayout): Graph =>
      buildInferenceGraph(kind === "logits" ? model : withProbabilities(model), layout);
    return this.#open(kind, dims, build);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  #open(
    kind: string,
    dims: readonly number[],
    build: (model: Graph, layout: GraphLayout) => Graph,
    keep: readonly string[] = [],
  ): Promise<Session> {
    const { device = "cpu", packs, threads } = this.#options;
    return this.#cache.open(`${kind} ${dims}`, async () => {
      const layout = { device, packs, block: await channelBlock(device) };
      return createSession(build(this.#source(dims), layout), { device, threads, keep });
    });
  }
}
