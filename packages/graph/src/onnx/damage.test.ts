import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphError, parseModel, UnsupportedOpError } from "../index.js";
import { golden, model } from "./hand-made.test.helper.js";
import type { AttributeProto } from "./onnx-proto.js";

describe("damage never hangs or crashes", () => {
  const safe = (bytes: Uint8Array): void => {
    try {
      parseModel(bytes, { shapes: { "": [1, 1, 4, 4] } });
    } catch (error) {
      if (!(error instanceof GraphError) && !(error instanceof UnsupportedOpError)) throw error;
    }
  };

  const mutate = (seed: Uint8Array): void => {
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at] = value;
        safe(bytes);
      }),
      { numRuns: 4000, seed: 4 },
    );
  };

  test("a network cut at every byte", () => {
    const bytes = golden("network.onnx");
    for (let length = 0; length < bytes.length; length++) safe(bytes.subarray(0, length));
  });

  test("forms cut at every byte", () => {
    const bytes = golden("forms.onnx");
    for (let length = 0; length < bytes.length; length++) safe(bytes.subarray(0, length));
  });

  test.each(["network.onnx", "forms.onnx", "half.onnx"])("mutations of %s", (name) => {
    mutate(golden(name));
  });

  test("mutations of branches, lists and functions", () => {
    const branch = (name: string, op: string): AttributeProto => ({
      name,
      type: 5,
      g: { nodes: [{ opType: op, inputs: ["x"], outputs: [name] }], outputs: [{ name }] },
    });
    const seed = model(
      [
        { opType: "Shape", inputs: ["x"], outputs: ["s"] },
        {
          opType: "If",
          inputs: ["s"],
          outputs: ["i"],
          attributes: [branch("then_branch", "Neg"), branch("else_branch", "Abs")],
        },
        { opType: "SplitToSequence", inputs: ["i"], outputs: ["l"] },
        {
          opType: "ConcatFromSequence",
          inputs: ["l"],
          outputs: ["c"],
          attributes: [{ name: "axis", i: 0, type: 2 }],
        },
        { opType: "F", domain: "own", inputs: ["c"], outputs: ["y"] },
      ],
      {
        functions: [
          {
            name: "F",
            domain: "own",
            inputs: ["a"],
            outputs: ["b"],
            nodes: [{ opType: "Gelu", inputs: ["a"], outputs: ["b"] }],
          },
        ],
        opset: 20,
      },
    );
    expect(() => parseModel(seed)).not.toThrow();
    mutate(seed);
    for (let length = 0; length < seed.length; length++) safe(seed.subarray(0, length));
  });

  test("messages nested without end", () => {
    let bytes = Buffer.alloc(0);
    // Each level is an attribute's graph with one node with one attribute.
    for (let depth = 0; depth < 400; depth++) {
      for (const tag of [0x32, 0x2a, 0x0a]) {
        const size = bytes.length;
        const length =
          size < 128
            ? [size]
            : size < 16384
              ? [(size & 127) | 128, size >> 7]
              : [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14];
        bytes = Buffer.concat([Buffer.from([tag, ...length]), bytes]);
      }
    }
    const size = bytes.length;
    const all = Buffer.concat([
      Buffer.from(
        [0x3a, (size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14].slice(
          0,
          3 + Number(size >> 14 > 0),
        ),
      ),
      bytes,
    ]);
    expect(() => parseModel(all)).toThrow(/nested deeper than 64|not an ONNX file/);
  });
});
