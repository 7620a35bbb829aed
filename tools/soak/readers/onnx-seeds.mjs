// Small ONNX models of many kinds: networks built by packages/graph, and hand-made forms that only other
// exporters write.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { core, graph as library } from "../dist.mjs";
import { encode } from "../protobuf.mjs";

const { Graph, Layers, ops, serializeModel } = library;

function network(name, dims, build) {
  const graph = new Graph(name);
  const ramp = (_, shape) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return core.tensor(
      "float32",
      Float32Array.from({ length }, (_, i) => Math.sin(i)),
      shape,
    );
  };
  graph.output("logits", build(graph.input("image", "float32", dims), new Layers(graph, ramp)));
  return serializeModel(graph, { metadata: { made: "by soak" } });
}

const built = [
  network("conv", [1, 1, 8, 8], (image, layers) => {
    const skip = ops.Relu(layers.batchNorm("bn", layers.conv("a", image, 2, { kernel: 3, padding: 1 })));
    const low = layers.conv("b", skip, 4, { kernel: 2, stride: 2 });
    const up = layers.convTranspose("up", low, 2, { kernel: 2, stride: 2 });
    return layers.conv("head", ops.Concat([up, skip], 1), 3, { kernel: 1 });
  }),
  network("attention", [1, 4, 8], (x, layers) => {
    const keys = ops.Transpose(layers.linear("k", x, 8), [0, 2, 1]);
    const weights = ops.Softmax(ops.MatMul(layers.linear("q", x, 8), keys), -1);
    return layers.linear("o", ops.MatMul(weights, x), 3);
  }),
  network("movement", [1, 2, 4, 4], (x) =>
    ops.Tanh(ops.Transpose(ops.Reshape(ops.Concat([x, x], 1), [1, 2, 4, 8]), [0, 1, 3, 2])),
  ),
];

const text = (number, value) => ({ number, wire: 2, value: new Uint8Array(Buffer.from(value)) });
const whole = (number, value) => ({ number, wire: 0, value: BigInt(value) });
const message = (number, ...children) => ({ number, wire: 2, children: children.flat() });
const float = (number, value) => ({ number, wire: 5, value: new Uint8Array(Float32Array.of(value).buffer) });

const tensor = (number, name, type, dims, data, rest = []) =>
  message(
    number,
    dims.map((dim) => whole(1, dim)),
    whole(2, type),
    ...(data ? [{ number: 9, wire: 2, value: new Uint8Array(data.buffer) }] : []),
    text(8, name),
    rest,
  );
const int64 = (number, name, ...values) =>
  tensor(number, name, 7, [values.length], BigInt64Array.from(values, BigInt));
const attribute = {
  int: (name, value) => message(5, text(1, name), whole(3, value), whole(20, 2)),
  float: (name, value) => message(5, text(1, name), float(2, value), whole(20, 1)),
  ints: (name, values) =>
    message(
      5,
      text(1, name),
      values.map((value) => whole(8, value)),
      whole(20, 7),
    ),
  string: (name, value) => message(5, text(1, name), text(4, value), whole(20, 3)),
  tensor: (name, value) => message(5, text(1, name), { ...value, number: 5 }, whole(20, 4)),
  graph: (name, ...parts) => message(5, text(1, name), message(6, ...parts), whole(20, 5)),
};
const node = (op, inputs, outputs, ...attributes) =>
  message(
    1,
    inputs.map((name) => text(1, name)),
    outputs.map((name) => text(2, name)),
    text(4, op),
    attributes,
  );
const info = (number, name, type, dims) =>
  message(
    number,
    text(1, name),
    message(
      2,
      message(
        1,
        whole(1, type),
        message(
          2,
          dims.map((dim) => message(1, typeof dim === "number" ? whole(1, dim) : text(2, dim))),
        ),
      ),
    ),
  );
const opset = (version) => message(8, text(1, ""), whole(2, version));
const model = (parts, { version = 17, more = [], dims = [1, 1, 8, 8] } = {}) =>
  encode(
    [
      whole(1, 8),
      text(2, "soak"),
      message(7, parts, text(2, "g"), info(11, "x", 1, dims), info(12, "y", 1, dims)),
      opset(version),
      more,
    ].flat(),
  );

const stored = [
  ["location", "weights.bin"],
  ["offset", "16"],
  ["length", "48"],
].map(([key, value]) => message(13, text(1, key), text(2, value)));

const byHand = [
  // A shape that is computed: what PyTorch writes for views.
  model([
    node("Shape", ["x"], ["s"]),
    node("Gather", ["s", "zero"], ["n"], attribute.int("axis", 0)),
    node("Unsqueeze", ["n", "axes"], ["n1"]),
    node("Concat", ["n1", "rest"], ["to"], attribute.int("axis", 0)),
    node("Reshape", ["x", "to"], ["r"]),
    node("Reshape", ["r", "s"], ["y"]),
    tensor(5, "zero", 7, [], BigInt64Array.of(0n)),
    int64(5, "axes", 0),
    int64(5, "rest", 8, 8),
  ]),
  // Constants that are folded.
  model([
    node("Constant", [], ["c"], attribute.tensor("value", int64(5, "c", 1, 1, 8, 8))),
    node(
      "ConstantOfShape",
      ["c"],
      ["ones"],
      attribute.tensor("value", tensor(5, "", 1, [1], Float32Array.of(1))),
    ),
    node("Range", ["from", "to", "step"], ["range"]),
    node("Expand", ["range", "c"], ["e"]),
    node("Tile", ["e", "tiles"], ["t"]),
    node("CumSum", ["t", "axis"], ["cum"]),
    node("Add", ["cum", "ones"], ["a"]),
    node("Add", ["x", "a"], ["y"]),
    ...[0, 8, 1].map((value, i) => tensor(5, ["from", "to", "step"][i], 1, [], Float32Array.of(value))),
    int64(5, "tiles", 1, 1, 1, 1),
    tensor(5, "axis", 7, [], BigInt64Array.of(2n)),
  ]),
  model([
    node(
      "Conv",
      ["x", "w"],
      ["c"],
      attribute.ints("kernel_shape", [3, 3]),
      attribute.ints("pads", [1, 1, 1, 1]),
      attribute.ints("strides", [1, 1]),
      attribute.ints("dilations", [1, 1]),
      attribute.int("group", 1),
    ),
    node(
      "MaxPool",
      ["c"],
      ["p"],
      attribute.ints("kernel_shape", [2, 2]),
      attribute.ints("strides", [2, 2]),
      attribute.int("ceil_mode", 0),
    ),
    node(
      "Resize",
      ["p", "", "scales"],
      ["r"],
      attribute.string("mode", "linear"),
      attribute.string("coordinate_transformation_mode", "half_pixel"),
    ),
    node("Softmax", ["r"], ["y"], attribute.int("axis", 1)),
    tensor(5, "w", 1, [1, 1, 3, 3], new Float32Array(9).fill(0.1)),
    tensor(5, "scales", 1, [4], Float32Array.of(1, 1, 2, 2)),
  ]),
  model([
    node("Slice", ["x", "starts", "ends", "axes", "steps"], ["s"]),
    node("Pad", ["s", "pads", "value"], ["p"], attribute.string("mode", "constant")),
    node("Split", ["p", "parts"], ["s1", "s2"], attribute.int("axis", 2)),
    node("Concat", ["s2", "s1"], ["c"], attribute.int("axis", 2)),
    node("Clip", ["c", "low", "high"], ["l"]),
    node("ReduceMean", ["l"], ["m"], attribute.ints("axes", [2, 3]), attribute.int("keepdims", 1)),
    node("Sub", ["l", "m"], ["d"]),
    node("LeakyRelu", ["d"], ["y"], attribute.float("alpha", 0.1)),
    ...[
      [0, 1],
      [8, 7],
      [2, 3],
      [1, 1],
      [0, 0, 0, 1, 0, 0, 0, 1],
      [4, 4],
    ].map((values, i) => int64(5, ["starts", "ends", "axes", "steps", "pads", "parts"][i], ...values)),
    ...["value", "low", "high"].map((name, i) => tensor(5, name, 1, [], Float32Array.of(i))),
  ]),
  // Weights in another file.
  model(
    [
      node("Add", ["x", "w"], ["a"]),
      node("Mul", ["a", "h"], ["y"]),
      tensor(5, "w", 1, [1, 12], undefined, [...stored, whole(14, 1)]),
      tensor(5, "h", 10, [1], Uint16Array.of(0x3c00)),
    ],
    { dims: [1, 1, 8, 12] },
  ),
  // Branches, lists and functions.
  model(
    [
      node(
        "If",
        ["yes"],
        ["i"],
        attribute.graph("then_branch", node("Neg", ["x"], ["n"]), info(12, "n", 1, [1])),
        attribute.graph("else_branch", node("Abs", ["x"], ["b"]), info(12, "b", 1, [1])),
      ),
      node("SplitToSequence", ["i"], ["l"], attribute.int("axis", 2)),
      node("ConcatFromSequence", ["l"], ["c"], attribute.int("axis", 2)),
      message(1, text(1, "c"), text(2, "f"), text(4, "F"), text(7, "own")),
      node("Einsum", ["f", "f"], ["y"], attribute.string("equation", "nchw,ncwk->nchk")),
      tensor(5, "yes", 9, [], Uint8Array.of(1)),
    ],
    {
      version: 20,
      more: [
        message(
          25,
          text(1, "F"),
          text(10, "own"),
          text(4, "a"),
          text(5, "o"),
          message(7, text(1, "a"), text(2, "o"), text(4, "Gelu")),
          message(9, whole(2, 20)),
        ),
        message(8, text(1, "own"), whole(2, 1)),
        message(14, text(1, "key"), text(2, "value")),
      ],
    },
  ),
];

/** The models of the onnx library that the tests use. */
const folder = new URL("../../../packages/graph/test/golden/", import.meta.url);
const golden = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith(".onnx"))
      .map((name) => new Uint8Array(readFileSync(new URL(name, folder))))
      .filter(({ length }) => length < 1 << 17)
  : [];

export const onnxSeeds = [...built, ...byHand, ...golden];
