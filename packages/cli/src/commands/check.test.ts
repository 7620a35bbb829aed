import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { externalModel, Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { unet2d } from "@pixelcal/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-check-"));
});
afterAll(() => rm(root, { recursive: true }));

function model(build: (image: Value) => Readonly<Record<string, Value>>, dims = [1, 1, 8, 8]): Graph {
  const graph = new Graph("model");
  const made = build(graph.input("image", "float32", dims));
  for (const [name, value] of Object.entries(made)) graph.output(name, value);
  return graph;
}

const weighted = (x: Value): Value => {
  const data = Float32Array.of(1, -1, 0.5);
  const weight =
    x.graph.value("weight") ?? x.graph.initializer("weight", tensor("float32", data, [3, 1, 1, 1]));
  return ops.Conv(x, weight, undefined, {});
};

async function check(name: string, bytes: Uint8Array, ...args: string[]) {
  await writeFile(join(root, name), bytes);
  return pixelcal(["check", join(root, name), "--threads", "1", ...args]);
}

describe("pixelcal check", () => {
  test("a network that can be trained: exit code 0", async () => {
    const graph = unet2d({ classes: 3, base: 2 }).build([1, 1, 16, 16]);
    const open = { image: ["N", 1, "H", "W"], logits: ["N", 3, "H", "W"] };
    const { code, output, messages } = await check("unet.onnx", serializeModel(graph, { dims: open }));
    expect(messages).toBe("");
    expect(code).toBe(0);
    for (const line of [
      /^model +\S+unet\.onnx, [\d.]+ KiB$/m,
      /^producer +PixelCal, opset 18, IR version 8$/m,
      /^input +image float32 \[N, 1, H, W\]$/m,
      /^output +logits float32 \[N, 3, H, W\]$/m,
      /^stored +[\d,]+ float32 in 78 arrays, [\d.]+ KiB$/m,
      /^operators +BatchNormalization 14, Concat 3, Conv 15, /m,
      /^logits +logits itself$/m,
      /^tried with +1 x 1 x 128 x 128 \(open sizes chosen; --input-shape gives others\)$/m,
      /^trainable +[\d,]+ parameters in 50 arrays, 28 running statistics; 3 classes$/m,
      /^memory +[\d.]+ KiB to predict, [\d.]+ MiB to train \(computed from the graphs\)$/m,
      /^cpu +predicts and trains on images of standard normal pixels; a step takes [\d.]+ ms \(measured\)$/m,
      /^webgpu +/m,
      /^cuda +/m,
    ]) {
      expect(output).toMatch(line);
    }
  });

  test("as JSON, of the shape asked for, weights in another file", async () => {
    const graph = unet2d({ classes: 3, base: 2 }).build([1, 1, 16, 16]);
    const { model: bytes, data } = externalModel(graph, { location: "data.bin", threshold: 64 });
    await writeFile(join(root, "data.bin"), Buffer.concat(data));
    const { code, output } = await check("large.onnx", bytes, "--json", "--input-shape", "2x1x16x16");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      trainable: true,
      dims: [2, 1, 16, 16],
      chosenSizes: false,
      facts: { dataFiles: ["data.bin"], opsets: { "": 18 } },
      parameters: { arrays: 50, buffers: 28 },
      classes: 3,
      problems: [],
      providers: [{ device: "cpu", predicts: true, trains: true }, { device: "webgpu" }, { device: "cuda" }],
    });
  });

  test("says what layers share, and what untying makes of it", async () => {
    const graph = model((x) => {
      const weight = x.graph.initializer("weight", tensor("float32", Float32Array.of(1, 2), [2, 1, 1, 1]));
      return {
        logits: ops.Add(ops.Conv(x, weight, undefined, {}), ops.Conv(ops.Relu(x), weight, undefined, {})),
      };
    });
    const { output } = await check("tied.onnx", serializeModel(graph));
    expect(output).toMatch(/^trainable +2 parameters in 1 arrays/m);
    expect(output).toMatch(/^tied +weight by \S+ and \S+: trained as one; tied_weights: untie gives/m);
    const untied = await check("tied.onnx", serializeModel(graph), "--tied-weights", "untie");
    expect(untied.output).toMatch(/^trainable +4 parameters in 2 arrays/m);
    expect(untied.output).not.toMatch(/^tied /m);
  });

  test("finds the logits before a softmax, and outputs to choose from", async () => {
    const graph = model((x) => ({ probs: ops.Softmax(weighted(x), 1), mask: ops.Relu(x) }));
    const { code, output } = await check("probs.onnx", serializeModel(graph), "--output", "probs");
    expect(code).toBe(0);
    expect(output).toMatch(/^logits +Conv_0, before the softmax of probs$/m);
    expect(output).toMatch(/^logits +mask itself$/m);
  });

  test("a sigmoid of several channels: exit code 1", async () => {
    const labels = model((x) => ({ y: ops.Sigmoid(weighted(x)) }));
    const { code, output, messages } = await check("labels.onnx", serializeModel(labels));
    expect(output).toMatch(
      /^logits +Conv_0, before the sigmoid of y \(multi-label: classes may overlap; trained with dataset.regions\)$/m,
    );
    expect(messages).toMatch(/cannot be trained: .*a sigmoid of 3 channels in y: multi-label outputs/);
    expect(code).toBe(1);
    const json = await check("labels.onnx", serializeModel(labels), "--json");
    expect(JSON.parse(json.output)).toMatchObject({
      trainable: false,
      logits: [{ output: "y", activation: "sigmoid", multiLabel: true }],
    });
  });

  test("tries pixels from 0 to 1 where negative ones have no loss, and says which", async () => {
    const graph = model((x) => ({ logits: weighted(ops.Sqrt(x)) }));
    const { code, output } = await check("root.onnx", serializeModel(graph));
    expect(output).toMatch(
      /^cpu +predicts and trains on images with pixels from 0 to 1, and diverges on standard normal ones; a step takes/m,
    );
    expect(code).toBe(0);
    const usual = await check("usual.onnx", serializeModel(model((x) => ({ logits: weighted(x) }))));
    expect(usual.output).toMatch(
      /^cpu +predicts and trains on images of standard normal pixels; a step takes/m,
    );
    const never = model((x) => ({ logits: weighted(ops.Log(ops.Mul(x, 0))) }));
    const failed = await check("never.onnx", serializeModel(never));
    expect(failed.messages).toMatch(/cannot be trained: training diverged/);
    expect(failed.code).toBe(1);
  });

  test("chooses open sizes wherever the channels are, and says so", async () => {
    const last = (x: Value): Value => ops.Transpose(x, [0, 2, 3, 1]);
    const first = (x: Value): Value => ops.Transpose(x, [0, 3, 1, 2]);
    const graph = model((x) => ({ logits: last(weighted(first(x))) }), [1, 8, 8, 1]);
    const open = { image: ["N", "H", 8, 1], logits: ["N", "H", 8, 3] };
    const axes = ["--channel-axis=-1", "--class-axis=-1"];
    const { output } = await check("last.onnx", serializeModel(graph, { dims: open }), "--json", ...axes);
    const report = { trainable: true, dims: [1, 1, 128, 8], chosenSizes: true };
    expect(JSON.parse(output)).toMatchObject(report);
    const found = await check("last.onnx", serializeModel(graph, { dims: open }));
    expect(found.output).toMatch(
      /^layout +channels last: use --channel-axis -1 --class-axis -1, in a configuration/m,
    );
    expect(found.output).toMatch(/^tried with +1 x 1 x 128 x 8/m);
    expect(found.code).toBe(0);
  });

  test("names every operator that is in the way at once: exit code 1", async () => {
    const graph = model((x) => ({ logits: weighted(x) }));
    const bytes = Buffer.from(serializeModel(graph));
    // The operators get names of the same length that are unknown.
    const strange = Buffer.from(bytes.toString("latin1").replace(/Conv(?!_)/, "Cnvv"), "latin1");
    const { code, output, messages } = await check("strange.onnx", strange);
    expect(code).toBe(1);
    expect(output).toMatch(/^unknown +Cnvv$/m);
    expect(output).toMatch(/^operators +Cnvv 1 \(unknown\)$/m);
    expect(messages).toContain("cannot be trained: unsupported operators: Cnvv");
    expect(output).toMatch(/^cpu +does not run it: /m);
    expect(output).not.toContain("as it is");
  });

  test.each<[string, Uint8Array, string, number]>([
    ["no.onnx", new Uint8Array(9).fill(3), "no.onnx: not an ONNX file", 1],
    [
      "flat.onnx",
      serializeModel(model((x) => ({ y: ops.Reshape(weighted(x), [1, 3, 64]) }))),
      "expected float32 logits of 4 axes",
      1,
    ],
    [
      "still.onnx",
      serializeModel(model((x) => ({ y: ops.Concat([x, x], 1) }))),
      "cannot be trained: model: has no arrays that can be trained",
      1,
    ],
  ])("%s", async (name, bytes, message, exit) => {
    const { code, messages } = await check(name, bytes);
    expect(messages).toContain(message);
    expect(code).toBe(exit);
  });

  test("wrong usage", async () => {
    await mkdir(join(root, "folder"));
    expect(await pixelcal(["check"])).toMatchObject({ code: 2 });
    expect(await pixelcal(["check", "x", "--input-shape", "224"])).toMatchObject({ code: 2 });
    expect((await pixelcal(["check", join(root, "none.onnx")])).messages).toContain(
      "none.onnx: no such file",
    );
  });
});
