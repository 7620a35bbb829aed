import { readFileSync } from "node:fs";
import { gradients, lower, ops, parseModel, trainingForm, updatedName, weightRoles } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { createSession } from "../runtime/session.js";
import { hashed } from "./hashed.test.helper.js";

interface Golden {
  readonly image: readonly number[];
  /** Whether norms use the batch's statistics; they are folded into convolutions otherwise. */
  readonly training: boolean;
  readonly loss: number;
  /** The norm of every parameter's gradient, and its product with a fixed vector. */
  readonly gradients: Readonly<Record<string, readonly [number, number]>>;
}

// Networks as PyTorch's exporters write them, and PyTorch's gradients: made by tools/golden/architectures.py.
const folder = new URL("../../test/golden/architectures/", import.meta.url);
const goldens: Record<string, Golden> = JSON.parse(
  readFileSync(new URL("architectures.json", folder), "utf8"),
);

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Loss and gradients of a network at the golden's image, laid out for the processor. */
async function run(name: string, { image, training }: Golden) {
  const model = parseModel(readFileSync(new URL(`${name}.onnx`, folder)), { shapes: { "": image } });
  const { parameters, buffers } = weightRoles(model);
  const graph = training ? trainingForm(model) : model;
  const updates = new Set(buffers.map(updatedName));
  const outputs = [...graph.outputs.values()].filter((output) => !updates.has(output.name));
  const parts = outputs.map((output, index) => {
    const weights = {
      type: "float32",
      dims: output.dims,
      data: Float32Array.from(hashed(sizeOf(output.dims), 500 + index)),
    } as const;
    return ops.ReduceSum(ops.Mul(output, graph.constant(weights)), undefined, { keepdims: 0 });
  });
  const loss = parts.reduce((a, b) => ops.Add(a, b));
  const slopes = gradients(
    loss,
    parameters.map((parameter) => graph.value(parameter)!),
  );
  graph.output("loss", loss);
  for (const [index, parameter] of parameters.entries()) graph.output(`d/${parameter}`, slopes[index]!);
  const session = await createSession(lower(graph, { device: "cpu" }), { threads: 1 });
  const x = { type: "float32", dims: image, data: Float32Array.from(hashed(sizeOf(image), 77)) } as const;
  const results = await session.run({ [session.inputs[0]!.name]: x });
  await session.close();
  const found = new Map(parameters.map((each) => [each, results[`d/${each}`]!.data as Float32Array]));
  return { loss: results.loss!.data[0] as number, gradients: found };
}

describe("gradients of exported networks are PyTorch's", () => {
  test.each(Object.keys(goldens))("%s", async (name) => {
    const golden = goldens[name]!;
    const { loss, gradients } = await run(name, golden);
    expect(Math.abs(loss - golden.loss)).toBeLessThan(1e-4 * Math.max(1, Math.abs(golden.loss)));
    // By default the parameters that PyTorch trains are trained.
    expect([...gradients.keys()].sort()).toEqual(Object.keys(golden.gradients).sort());
    // Gradients that are zero in theory, as of a bias before a norm, are compared with the network's others.
    const scale = Math.max(...Object.values(golden.gradients).map(([norm]) => norm));
    for (const [stream, [parameter, [norm, product]]] of Object.entries(golden.gradients).entries()) {
      const gradient = gradients.get(parameter)!;
      const vector = hashed(gradient.length, stream);
      const found = gradient.reduce((sum, value, at) => sum + value * vector[at]!, 0);
      const tolerance = 1e-3 * Math.max(norm, 1e-3 * scale);
      expect(Math.abs(Math.hypot(...gradient) - norm), parameter).toBeLessThan(tolerance);
      expect(Math.abs(found - product), parameter).toBeLessThan(tolerance);
    }
  });
});
