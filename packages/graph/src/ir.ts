import type { DataType, Tensor } from "@pixelcal/core";

// The types of a graph and what it is made of. Operators, gradients and passes
// know these; graph.ts makes them.

/** The ai.onnx operator set of every graph; models of other sets are converted when they are parsed. */
export const OPSET = 18;
/** The ONNX file format version that goes with `OPSET`. */
export const IR_VERSION = 8;

/** A tensor in a graph. Its shape is static. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  /** The node that makes it; undefined for inputs, initializers and constants. */
  readonly node: Node | undefined;
}

export type Attribute = number | string | readonly number[] | readonly string[] | Tensor | Graph;
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operator of ONNX (domain "") or of PixelCal (domain "pixelcal", gone after `lower`). */
export interface Node {
  readonly opType: string;
  readonly name: string;
  readonly domain: string;
  /** Undefined where an optional input is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** A node without its outputs. */
export type Described = Omit<Node, "outputs">;

/** A node before its outputs exist: what shape inference sees. */
export interface NodeSpec extends Described {
  /** The number of requested outputs; undefined for the operator's usual number. */
  readonly outputCount: number | undefined;
}

export interface NodeOptions {
  readonly name?: string;
  /** The node's name in errors; its own name by default. */
  readonly where?: string;
  readonly domain?: string;
  /** The number of outputs, or their names. */
  readonly outputs?: number | readonly string[];
}

/**
 * An ONNX graph under construction, single assignment and in topological order. Shapes are inferred when a
 * node is added. Initializers are named weights; constants are unnamed, shared when small, and never trained.
 */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** By name; an output's value has the output's name. */
  readonly outputs: ReadonlyMap<string, Value>;
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly constants: ReadonlyMap<string, Tensor>;

  /** Declares an input. Throws when the name is in use. */
  input(name: string, type: DataType, dims: readonly number[]): Value;

  /** Adds a named weight; the tensor is kept, not copied. */
  initializer(name: string, tensor: Tensor): Value;

  /** Adds an unnamed constant; equal small ones become one value. `name` is used where it is free. */
  constant(tensor: Tensor, name?: string): Value;

  /** Returns the data of an initializer or a constant; undefined for other values. */
  tensor(value: Value): Tensor | undefined;

  /**
   * Makes a value an output. A node's value takes the output's name; an input, weight or other output goes
   * through an Identity, as ONNX names outputs by their values.
   */
  output(name: string, value: Value): void;

  /** Renames a node's value that is not an output. */
  rename(value: Value, name: string): void;

  /** Names of what `build` adds begin with `name/`; names given explicitly do not. */
  scope<T>(name: string, build: () => T): T;

  /** Returns the value of this name; undefined when there is none. */
  value(name: string): Value | undefined;

  /**
   * Adds a node and returns its outputs. Throws `UnsupportedOpError` for an operator without shape inference
   * and `GraphError`, naming node and shapes, for inputs that do not fit.
   */
  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes?: Attributes,
    options?: NodeOptions,
  ): readonly Value[];
}

/**
 * Returns the name of an operator in the tables of shapes, gradients and the interpreter:
 * "Conv", "pixelcal.MaxPoolGradient".
 */
export function opKey(node: { readonly opType: string; readonly domain: string }): string {
  return node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
}
