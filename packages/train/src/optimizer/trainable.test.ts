import { InvalidArgumentError, zeros } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { rolesOf } from "../model/image-and-logits.js";
import { unet2d } from "../model/unet2d.js";
import { groupByLearningRate } from "./parameter-groups.js";
import { selected, type TrainableSelection } from "./trainable.js";

/** Builds two layers with a norm each: a batch norm, and a group norm as exporters write it. */
function network(): Graph {
  const graph = new Graph("network");
  const weight = (name: string, ...dims: number[]) => graph.initializer(name, zeros("float32", dims));
  const x = graph.input("image", "float32", [1, 1, 4, 4]);
  const a = ops.Conv(x, weight("a.weight", 4, 1, 1, 1), weight("a.bias", 4), {});
  const b = ops.BatchNormalization(
    a,
    weight("a.scale", 4),
    weight("a.shift", 4),
    weight("a.mean", 4),
    weight("a.var", 4),
  );
  const c = ops.Conv(ops.Relu(b), weight("c.weight", 4, 4, 1, 1), undefined, {});
  const ones = graph.constant(zeros("float32", [2]));
  const normal = ops.InstanceNormalization(ops.Reshape(c, [1, 2, -1]), ones, ones);
  const scaled = ops.Mul(ops.Reshape(normal, [1, 4, 4, 4]), weight("c.scale", 4, 1, 1));
  const shifted = ops.Add(scaled, weight("c.shift", 4, 1, 1));
  const head = ops.MatMul(
    ops.Reshape(shifted, [1, 4, 16]),
    ops.Transpose(weight("head.weight", 3, 16), [1, 0]),
  );
  graph.output("y", ops.Add(head, weight("head.bias", 3)));
  return graph;
}

describe("trainable parameters", () => {
  test.each<[TrainableSelection, readonly string[]]>([
    [
      {},
      [
        "a.weight",
        "a.bias",
        "a.scale",
        "a.shift",
        "c.weight",
        "c.scale",
        "c.shift",
        "head.weight",
        "head.bias",
      ],
    ],
    [{ include: ["c*", "head.?ias"] }, ["c.weight", "c.scale", "c.shift", "head.bias"]],
    [{ exclude: ["*.weight"], include: ["a.*"] }, ["a.bias", "a.scale", "a.shift"]],
    [{ only: "norms" }, ["a.scale", "a.shift", "c.scale", "c.shift"]],
    [{ lastLayers: 1 }, ["head.weight", "head.bias"]],
    [{ lastLayers: 2 }, ["c.weight", "c.scale", "c.shift", "head.weight", "head.bias"]],
    [{ lastLayers: 2, only: "norms" }, ["c.scale", "c.shift"]],
    [{ lastLayers: 9, exclude: ["*"] }, []],
  ])("%j", (selection, names) => {
    const graph = network();
    const { parameters } = rolesOf(graph);
    expect([...selected(graph, parameters, selection)].sort()).toEqual([...names].sort());
  });

  test("of a U-Net: the norms are what its batch norms hold", () => {
    const graph = unet2d({ classes: 2, base: 2 }).build([1, 1, 8, 8]);
    const { parameters } = rolesOf(graph);
    const norms = selected(graph, parameters, { only: "norms" });
    expect(norms).toContain("enc1.1.weight");
    expect(norms.every((name) => graph.initializers.get(name)!.dims.length === 1)).toBe(true);
    expect(selected(graph, parameters, { lastLayers: 1 })).toEqual(["head.weight", "head.bias"]);
  });

  test.each<[TrainableSelection, string]>([
    [{ include: ["a.wieght"] }, "trainable.include: a.wieght matches no parameter; did you mean a.weight?"],
    [
      { exclude: ["encoder/stage/0/x*"] },
      "trainable.exclude: encoder/stage/0/x* matches no parameter; there are a.weight, ",
    ],
    [{ lastLayers: 0 }, "trainable.lastLayers: expected an integer of 1 or more, got 0"],
    [{ only: "bias" as "norms" }, "trainable.only: expected norms, got bias"],
  ])("refuses %j", (selection, message) => {
    const graph = network();
    const { parameters } = rolesOf(graph);
    expect(() => selected(graph, parameters, selection)).toThrow(InvalidArgumentError);
    expect(() => selected(graph, parameters, selection)).toThrow(message);
  });
});

describe("learning rates", () => {
  const names = ["enc.a", "enc.b", "dec.a", "head"];

  test("the first group that names a parameter decides", () => {
    const groups = [
      { match: ["enc.a"], learningRate: 0 },
      { match: ["enc.*", "head"], learningRate: 0.5 },
    ];
    expect(groupByLearningRate(names, 1, groups)).toEqual([
      { learningRate: 1, names: ["dec.a"] },
      { learningRate: 0, names: ["enc.a"] },
      { learningRate: 0.5, names: ["enc.b", "head"] },
    ]);
    expect(groupByLearningRate(names, 1)).toEqual([{ learningRate: 1, names }]);
  });

  test("refuses patterns without a match and rates below 0", () => {
    expect(() => groupByLearningRate(names, 1, [{ match: ["haed"], learningRate: 1 }])).toThrow(
      "groups.0.match: haed matches no parameter; did you mean head?",
    );
    expect(() => groupByLearningRate(names, 1, [{ match: ["head"], learningRate: -1 }])).toThrow(
      "groups.0.learningRate",
    );
  });
});
