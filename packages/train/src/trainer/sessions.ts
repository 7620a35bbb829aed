import { totalmem } from "node:os";
import type { Graph } from "@pixelcal/graph";
import { peakBytes } from "../check/peak-memory.js";
import type { ModelSource } from "../model/source.js";
import { channelBlock } from "../runtime/channel-block.js";
import { createSession, type Session } from "../runtime/session.js";
import { SessionCache } from "../runtime/session-cache.js";
import {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  type StepGraphOptions,
} from "./step-graph.js";

/** A training's graphs: a step, the loss without gradients, and a prediction. */
export type GraphKind = "step" | "evaluation" | "probabilities" | "logits";

/** Memory of a session beside the arrays of its graph, as measured for small graphs. */
const ownBytes = 4 * 2 ** 20;

/** A quarter of the memory that this process may use: sessions keep that of their largest run. */
const mostBytes = (): number =>
  Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 4;

/** The sessions of a training's graphs, built and compiled on demand for given image dims. */
export class TrainingSessions {
  readonly #source: ModelSource;
  readonly #options: StepGraphOptions & { readonly threads: number };
  readonly #kept: readonly string[];
  readonly #cache = new SessionCache({ bytes: mostBytes(), least: 3 });

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

  /** Opens the session of a graph for images of these dims. */
  open(kind: GraphKind, dims: readonly number[]): Promise<Session> {
    const { device = "cpu", threads } = this.#options;
    const keep = kind === "step" ? this.#kept : [];
    let bytes = 0;
    const create = async (): Promise<Session> => {
      const graph = await this.#build(kind, dims);
      bytes = peakBytes(graph) + ownBytes;
      return createSession(graph, { device, threads, keep });
    };
    return this.#cache.open(`${kind} ${dims}`, create, () => bytes);
  }

  /** Builds the graph for images of these dims and drops it. Throws for images that the model cannot take. */
  async layOut(kind: GraphKind, dims: readonly number[]): Promise<void> {
    await this.#build(kind, dims);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  async #build(kind: GraphKind, dims: readonly number[]): Promise<Graph> {
    const { device = "cpu", threads: _, ...options } = this.#options;
    const layout = { device, packs: options.packs, block: await channelBlock(device) };
    const model = this.#source(dims);
    const activation = options.loss.regions === undefined ? "softmax" : "sigmoid";
    if (kind === "step") return buildStepGraph(model, { ...options, ...layout });
    if (kind === "evaluation") return buildEvaluationGraph(model, options.loss, layout);
    return buildInferenceGraph(model, layout, kind === "logits" ? undefined : activation);
  }
}
