import { GraphError, graphError } from "../errors.js";
import { workOf } from "../interpret/work.js";
import type { Graph } from "../ir.js";
import { sizeOf } from "../operators/spec.js";
import { mostNodes } from "./opsets.js";

/** Elements visited while constants are folded: about 20 ms of one core. */
const mostWork = 1 << 20;
/** Work that is not more than that of reading the node: arithmetic on sizes is always folded. */
const freeWork = 256;
/** Bytes of all constants that a model has computed or filled, whoever computes them. */
const mostBytes = 1 << 25;
/** Elements of all constants that are left to the runtime, as they are too large to be folded here. */
const mostKept = 2 ** 28;
/**
 * Characters of names that any file may make for what is inside of its functions,
 * and for each of its bytes more.
 */
const leastCharacters = 1 << 22;
const charactersPerByte = 64;
/** Nodes that any file may become, and the bytes of a file for each node more. */
const leastNodes = 2048;
const bytesPerNode = 8;

/**
 * The limit on what reading one file may cost, so that a small file cannot ask for much time or memory. The
 * cost of every piece of work is charged before the work is done.
 */
export class Budget {
  readonly #nodes: number;
  #nodesLeft: number;
  #charactersLeft: number;
  #workLeft = mostWork;
  #bytesLeft = mostBytes;
  #keptLeft = mostKept;

  /** `size` is the file's number of bytes. */
  constructor(size: number) {
    this.#nodes = Math.min(mostNodes, leastNodes + Math.floor(size / bytesPerNode));
    this.#nodesLeft = this.#nodes;
    this.#charactersLeft = leastCharacters + charactersPerByte * size;
  }

  /**
   * Pays for nodes that operators of the file are written in. Throws GraphError when it
   * holds too few bytes for so many.
   */
  nodes(where: string, count: number): void {
    this.#nodesLeft -= count;
    if (this.#nodesLeft < 0)
      throw new GraphError(
        where,
        `expands to more than ${this.#nodes} nodes, too many for a file of this size`,
      );
  }

  /**
   * Pays for the characters of names inside of functions. Throws GraphError when
   * they are too many for the file.
   */
  names(count: number): void {
    this.#charactersLeft -= count;
    if (this.#charactersLeft < 0)
      throw new GraphError("model", "the names of its functions are too long for the calls of them");
  }

  /** Pays for the nodes of a graph of constants; false, and paid by no one, where they are too much work. */
  fold(graph: Graph): boolean {
    const work = workOf(graph, this.#workLeft + freeWork);
    if (work <= freeWork) return true;
    const bytes = graph.nodes.reduce(
      (sum, { outputs }) => sum + outputs.reduce((each, { dims }) => each + 8 * sizeOf(dims), 0),
      0,
    );
    if (work > this.#workLeft || bytes > this.#bytesLeft) return false;
    this.#workLeft -= work;
    this.#bytesLeft -= bytes;
    return true;
  }

  /** Pays for a constant of `bytes` that a node makes. Throws GraphError when the file has made too many. */
  fill(where: string, bytes: number): void {
    if (!(bytes <= this.#bytesLeft)) {
      const most = `at most ${mostBytes} bytes of constants that a model computes`;
      const so = this.#bytesLeft === mostBytes ? "" : ` after ${mostBytes - this.#bytesLeft}`;
      throw graphError(where, most, `${bytes} bytes${so}`);
    }
    this.#bytesLeft -= bytes;
  }

  /** Pays for elements of constants that the runtime computes. */
  keep(where: string, count: number): void {
    this.#keptLeft -= count;
    if (this.#keptLeft < 0)
      throw new GraphError(where, `the model computes more than ${mostKept} elements from constants alone`);
  }
}
