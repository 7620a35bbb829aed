import type { DataType, Tensor } from "@pixelcal/core";
import { GraphError, graphError } from "./errors.js";
import type { Attributes, Graph as GraphType, Node, NodeOptions, Value } from "./ir.js";
import { inferShapes } from "./operators/shapes.js";
import { sizeOf } from "./operators/spec.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const largestShared = 64;

/** More elements than any tensor of a network has: 8 GiB of float32. */
const mostElements = 2 ** 31;
/** More dims than any runtime supports. */
const mostAxes = 16;

/** Writes a number exactly: -0 and 0 differ as constants, but print alike. */
const exact = (value: number | bigint): string => (Object.is(value, -0) ? "-0" : String(value));

/** The type of a graph, the same for one that was made and the one a value belongs to. */
export type Graph = GraphType;

/** Makes an empty graph. Names that are made automatically avoid those in `reserved`. */
export const Graph: new (name?: string, reserved?: Iterable<string>) => Graph = class Graph
  implements GraphType
{
  readonly name: string;
  readonly #inputs: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #outputs = new Map<string, Value>();
  readonly #initializers = new Map<string, Tensor>();
  readonly #constants = new Map<string, Tensor>();
  readonly #shared = new Map<string, Value>();
  readonly #values = new Map<string, Mutable<Value>>();
  readonly #taken: Set<string>;
  readonly #counts = new Map<string, number>();
  /** The last number appended to a name that was in use. */
  readonly #copies = new Map<string, number>();
  #scope = "";

  constructor(name = "graph", reserved: Iterable<string> = []) {
    this.name = name;
    this.#taken = new Set(reserved);
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  get outputs(): ReadonlyMap<string, Value> {
    return this.#outputs;
  }

  get initializers(): ReadonlyMap<string, Tensor> {
    return this.#initializers;
  }

  get constants(): ReadonlyMap<string, Tensor> {
    return this.#constants;
  }

  input(name: string, type: DataType, dims: readonly number[]): Value {
    const value = this.#value(name, type, dims, undefined);
    this.#inputs.push(value);
    return value;
  }

  initializer(name: string, tensor: Tensor): Value {
    const value = this.#value(name, tensor.type, tensor.dims, undefined);
    this.#initializers.set(name, tensor);
    return value;
  }

  constant(tensor: Tensor, name?: string): Value {
    const key =
      name === undefined && tensor.data.length <= largestShared
        ? `${tensor.type}[${tensor.dims.join()}]${Array.from(tensor.data as ArrayLike<number | bigint>, exact).join()}`
        : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) return known;
    const free = name !== undefined && !this.#values.has(name) ? name : this.#fresh("constant");
    const value = this.#value(free, tensor.type, tensor.dims, undefined);
    this.#constants.set(value.name, tensor);
    if (key !== undefined) this.#shared.set(key, value);
    return value;
  }

  tensor(value: Value): Tensor | undefined {
    return this.#initializers.get(value.name) ?? this.#constants.get(value.name);
  }

  output(name: string, value: Value): void {
    this.#own(`output ${name}`, value);
    if (this.#outputs.has(name)) throw new GraphError(name, "an output of this name already exists");
    const named = value.name === name && value.node !== undefined;
    if (!named && (value.node === undefined || this.#outputs.has(value.name))) {
      value = this.node("Identity", [value], {}, { outputs: [name] })[0]!;
    } else if (!named) {
      this.rename(value, name);
    }
    this.#outputs.set(name, value);
  }

  rename(value: Value, name: string): void {
    this.#own(`value ${name}`, value);
    const known = this.#values.get(value.name)!;
    if (this.#values.has(name)) throw new GraphError(name, "a value of this name already exists");
    if (known.node === undefined || this.#outputs.has(known.name))
      throw graphError(name, "a value of a node that is not an output", known.name);
    this.#values.delete(known.name);
    known.name = name;
    this.#taken.add(name);
    this.#values.set(name, known);
  }

  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  value(name: string): Value | undefined {
    return this.#values.get(name);
  }

  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): readonly Value[] {
    const name = options.name || this.#fresh(opType);
    this.#taken.add(name);
    const where = options.where ?? name;
    for (const input of inputs) if (input !== undefined) this.#own(where, input);
    const { outputs: wanted } = options;
    const domain = options.domain === "ai.onnx" ? "" : (options.domain ?? "");
    const outputCount = typeof wanted === "object" ? wanted.length : wanted;
    const infos = inferShapes({ opType, name: where, domain, inputs, attributes, outputCount });
    if (outputCount !== undefined && outputCount > infos.length) {
      throw graphError(where, `at most ${infos.length} outputs of ${opType}`, outputCount);
    }
    const outputs: Value[] = [];
    const node: Node = { opType, name, domain, inputs: [...inputs], outputs, attributes };
    for (const [index, { type, dims }] of infos.slice(0, outputCount).entries()) {
      const given = typeof wanted === "object" ? wanted[index] : undefined;
      const generated = infos.length === 1 ? name : `${name}:${index}`;
      outputs.push(this.#value(given || this.#unused(generated), type, dims, node));
    }
    this.#nodes.push(node);
    return outputs;
  }

  #value(name: string, type: DataType, dims: readonly number[], node: Node | undefined): Value {
    if (name === "") throw graphError("value", "a name", "an empty string");
    if (this.#values.has(name)) throw new GraphError(name, "a value of this name already exists");
    if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw graphError(name, "dims that are whole numbers", dims);
    }
    if (dims.length > mostAxes) throw graphError(name, `at most ${mostAxes} dims`, dims.length);
    if (sizeOf(dims) > mostElements) throw graphError(name, `at most ${mostElements} elements`, dims);
    const value: Mutable<Value> = { graph: this, name, type, dims: [...dims], node };
    this.#taken.add(name);
    this.#values.set(name, value);
    return value;
  }

  #own(where: string, value: Value): void {
    if (value.graph !== this) throw new GraphError(where, `${value.name} belongs to another graph`);
  }

  #fresh(base: string): string {
    for (;;) {
      const count = this.#counts.get(this.#scope + base) ?? 0;
      this.#counts.set(this.#scope + base, count + 1);
      const name = `${this.#scope}${base}_${count}`;
      if (!this.#taken.has(name)) return name;
    }
  }

  #unused(name: string): string {
    let free = name;
    let count = this.#copies.get(name) ?? 0;
    while (this.#values.has(free)) free = `${name}_${++count}`;
    if (count > 0) this.#copies.set(name, count);
    return free;
  }
};
