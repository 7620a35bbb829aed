import type { Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  Graph,
  inspectModel,
  interpret,
  modelMetadata,
  ops,
  parseModel,
  spliceModel,
  UnsupportedOpError,
  type Value,
  withoutSplices,
} from "../index.js";
import { numbers } from "../testing/index.js";
import { folder, golden, model } from "./hand-made.test.helper.js";
import type { NodeProto } from "./onnx-proto.js";

/** A graph of one value of type float32 [2]. */
function made(build: (x: Value) => Value): Graph {
  const graph = new Graph("inner");
  graph.output("out", build(graph.input("in", "float32", [2])));
  return graph;
}
const doubled = made((x) => ops.Mul(x, 2));
const x: Tensor = { type: "float32", dims: [2], data: Float32Array.of(1, -3) };

const run = (bytes: Uint8Array, options = {}): Record<string, number[]> => {
  const results = interpret(parseModel(bytes, options), { x });
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, numbers(tensor)]));
};

const chain: readonly NodeProto[] = [
  { opType: "Abs", name: "a", inputs: ["x"], outputs: ["h"] },
  { opType: "Neg", name: "b", inputs: ["h"], outputs: ["y"], unknown: [Uint8Array.of(0x32, 1, 65)] },
];

describe("a graph spliced behind a value", () => {
  test.each([
    ["an output", "y", [-2, -6]],
    ["a value in between", "h", [-2, -6]],
  ])("changes what the readers of %s take", (_, value, expected) => {
    const bytes = model(chain, { unknown: [Uint8Array.of(0x32, 2, 72, 105)] });
    const keep = { name: "before", elementType: 1, dims: ["N"] };
    const metadata = { "cal.method": "doubled" };
    const spliced = Buffer.concat(
      spliceModel(bytes, [{ value, graph: doubled, prefix: "cal", keep }], metadata),
    );
    expect(run(spliced)).toEqual({ y: expected, before: value === "y" ? [-1, -3] : [1, 3] });
    expect(modelMetadata(spliced)).toEqual(metadata);
    expect(inspectModel(spliced).outputs).toEqual([
      { name: "y", type: "float32", dims: [2] },
      { name: "before", type: "float32", dims: ["N"] },
    ]);
    expect(Buffer.compare(withoutSplices(spliced, "cal"), bytes)).toBe(0);
    expect(withoutSplices(spliced, "other")).toBe(spliced);
    expect(withoutSplices(bytes, "cal")).toBe(bytes);
  });

  test("reaches several values at once", () => {
    const bytes = model(chain);
    const splices = ["h", "y"].map((value) => ({ value, graph: doubled, prefix: "cal" }));
    const spliced = Buffer.concat(spliceModel(bytes, splices));
    expect(run(spliced)).toEqual({ y: [-4, -12] });
    expect(Buffer.compare(withoutSplices(spliced, "cal"), bytes)).toBe(0);
  });

  test("leaves weights in other files where they are", () => {
    const bytes = golden("external.onnx");
    const [output] = inspectModel(bytes).outputs;
    const { dims, type } = parseModel(bytes, { externalData: folder }).outputs.get(output!.name)!;
    const graph = new Graph("inner");
    graph.output("out", ops.Mul(graph.input("in", type, dims), 2));
    const spliced = Buffer.concat(spliceModel(bytes, [{ value: output!.name, graph, prefix: "cal" }]));
    const graphs = [bytes, spliced].map((file) => parseModel(file, { externalData: folder }));
    const [image] = graphs[0]!.inputs;
    const size = image!.dims.reduce((a, b) => a * b, 1);
    const feeds = {
      [image!.name]: {
        type: "float32",
        dims: image!.dims,
        data: Float32Array.from({ length: size }, (_, i) => i),
      },
    } as const;
    const [plain, changed] = graphs.map((each) => numbers(interpret(each, feeds)[output!.name]!));
    expect(changed).toEqual(plain!.map((value) => 2 * value));
    expect(inspectModel(spliced).dataFiles).toEqual(inspectModel(bytes).dataFiles);
  });

  const reduced = made((x) => {
    const rows = ops.Unsqueeze(x, [0]);
    const less = ops.Sub(rows, ops.ReduceMax(rows, [1]));
    return ops.Squeeze(ops.Div(ops.Exp(less), ops.ReduceSum(ops.Exp(less), [1])), [0]);
  });

  test.each([9, 11, 12, 13, 17, 18, 21])("is written in the model's own set, %i", (opset) => {
    const bytes = model(chain, { opset });
    const spliced = Buffer.concat(spliceModel(bytes, [{ value: "y", graph: reduced, prefix: "cal" }]));
    const [first, second] = [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2))];
    const { y } = run(spliced);
    expect(y![0]).toBeCloseTo(first, 6);
    expect(y![1]).toBeCloseTo(second, 6);
    expect(inspectModel(spliced).opsets).toEqual({ "": opset });
  });

  test("is refused where the model's set cannot write it, or the value is none of a node", () => {
    const softmax = made((x) => ops.Softmax(x, 0));
    const splice = { value: "y", graph: softmax, prefix: "cal" };
    const attempt = (): unknown => spliceModel(model(chain, { opset: 11 }), [splice]);
    expect(attempt).toThrow(UnsupportedOpError);
    expect(attempt).toThrow("operators that set 11 does not have: Softmax");
    const at = (value: string): unknown => spliceModel(model(chain), [{ ...splice, value }]);
    expect(() => at("x")).toThrow("value: expected a value that a node of the main graph makes, got x");
    const keep = { name: "y", elementType: 1, dims: [2] };
    expect(() => spliceModel(model(chain), [{ ...splice, keep }])).toThrow(
      "keep: expected the name of a new output",
    );
    const once = Buffer.concat(spliceModel(model(chain), [splice]));
    expect(() => spliceModel(once, [splice])).toThrow("nodes named cal/ exist already");
  });
});
