import { GraphError, graphError } from "../errors.js";
import { workOf } from "../interpret/work.js";
import type { Graph } from "../ir.js";
import { sizeOf } from "../operators/spec.js";
import { mostNodes } from "./opsets.js";

/** Elements visited while constants are folded: about 20 ms of one core. */
const mostWork = 1 << 20;
/** Work no greater than reading the node, which is always done: arithmetic on sizes is always folded. */
const freeWork = 256;
/** Bytes of all constants that a model computes or fills, here or in the runtime. */
const mostBytes = 1 << 25;
/** Elements of all constants that are too large to be folded here and are left to the runtime. */
const mostKept = 2 ** 28;
/**
 * Characters of the names of values inside functions that any file may have, and further ones per byte of the
 * file.
 */
const leastCharacters = 1 << 22;
const charactersPerByte = 64;
/** Nodes that any file may expand to, and the bytes of a file per further node. */
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

  /** Makes the budget of a file of `size` bytes. */
  constructor(size: number) {
    this.#nodes = Math.min(mostNodes, leastNodes + Math.floor(size / bytesPerNode));
    this.#nodesLeft = this.#nodes;
    this.#charactersLeft = leastCharacters + charactersPerByte * size;
  }

  /**
   * Charges nodes that operators of the file expand to. Throws GraphError when the file is too small for so
   * many.
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
   * Charges the characters of names inside functions. Throws GraphError when they are too many for the file.
   */
  names(count: number): void {
    this.#charactersLeft -= count;
    if (this.#charactersLeft < 0)
      throw new GraphError("model", "the names in its functions are too long for the number of calls");
  }

  /**
   * Charges the work of folding a graph of constants; returns false, charging nothing, where it is too much.
   */
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

  /** Charges a constant of `bytes` that a node makes. Throws GraphError when the file has made too many. */
  fill(where: string, bytes: number): void {
    if (!(bytes <= this.#bytesLeft)) {
      const most = `at most ${mostBytes} bytes of constants that a model computes`;
      const so = this.#bytesLeft === mostBytes ? "" : ` after ${mostBytes - this.#bytesLeft}`;
      throw graphError(where, most, `${bytes} bytes${so}`);
    }
    this.#bytesLeft -= bytes;
  }

  /** Charges elements of constants that the runtime computes. */
  keep(where: string, count: number): void {
    this.#keptLeft -= count;
    if (this.#keptLeft < 0)
      throw new GraphError(where, `the model computes more than ${mostKept} elements from constants alone`);
  }
}
