import { type Tensor, zeros } from "@pixelcal/core";
import { type Graph, ops, type Value } from "@pixelcal/graph";
import type { NamedArrays } from "../optimizer/named-arrays.js";

interface Member {
  readonly name: string;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/**
 * Arrays of a model concatenated in one flat array, so that a device updates a few long arrays instead of
 * many short ones.
 */
export class Pack {
  readonly name: string;
  readonly members: readonly Member[];
  readonly size: number;

  constructor(name: string, arrays: Readonly<NamedArrays>, names: readonly string[]) {
    let offset = 0;
    this.name = name;
    this.members = names.map((member) => {
      const { dims, data } = arrays[member]!;
      offset += data.length;
      return { name: member, dims, offset: offset - data.length, size: data.length };
    });
    this.size = offset;
  }

  /** Returns the pack as an input of a graph. */
  input(graph: Graph): Value {
    return graph.value(this.name) ?? graph.input(this.name, "float32", [this.size]);
  }

  /** Returns a member sliced from the pack's input, as a value of the member's name. */
  member(graph: Graph, name: string): Value | undefined {
    const member = this.members.find((each) => each.name === name);
    if (member === undefined) return undefined;
    const { dims, offset, size } = member;
    const flat = this.input(graph);
    const cut = size === this.size ? flat : ops.Slice(flat, [offset], [offset + size]);
    const shape = graph.constant({
      type: "int64",
      dims: [dims.length],
      data: BigInt64Array.from(dims, BigInt),
    });
    return graph.node("Reshape", [cut, shape], {}, { outputs: [name] })[0]!;
  }

  /** Returns the members' values concatenated as one flat value. */
  join(value: (name: string) => Value): Value {
    const flat = this.members.map(({ name }) => ops.Reshape(value(name), [-1]));
    return flat.length === 1 ? flat[0]! : ops.Concat(flat, 0);
  }

  /** Returns the members' arrays concatenated in one flat tensor. */
  gather(arrays: Readonly<NamedArrays>): Tensor<"float32"> {
    const flat = zeros("float32", [this.size]);
    for (const { name, offset } of this.members) flat.data.set(arrays[name]!.data, offset);
    return flat;
  }

  /** Copies a flat array as `gather` makes it back into the members' arrays. */
  scatter(flat: Float32Array, arrays: Readonly<NamedArrays>): void {
    for (const { name, offset, size } of this.members) {
      arrays[name]!.data.set(flat.subarray(offset, offset + size));
    }
  }
}
