import { losses } from "@pixelcal/losses";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { ConfigError, configSchema, parseConfig } from "./config.js";

const schema = configSchema() as Record<string, unknown>;
// The strict mode refuses keywords that it does not know.
const validate = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: true,
}).compile(schema);

type Node = Readonly<Record<string, unknown>>;
const base = { method: "sdc", dataset: { root: "data" }, model: { num_classes: 2 } };
const onnx = { method: "dicece", dataset: { root: "data" }, model: { onnx: "m.onnx" } };

function problems(config: unknown): readonly string[] {
  try {
    parseConfig(config, { runName: "run" });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Returns a configuration with a value at a path. */
function withValue(config: Node, [key, ...rest]: readonly string[], value: unknown): Node {
  const inner = rest.length === 0 ? value : withValue((config[key!] ?? {}) as Node, rest, value);
  return { ...config, [key!]: inner };
}

/** Returns the keys that the parser allows in a section, as its message about an unknown key lists them. */
function parserKeys(config: Node, section: readonly string[]): readonly string[] {
  const listed = problems(withValue(config, [...section, "~~~"], 1)).flatMap((problem) => {
    const [, keys] = /~~~: unknown key; allowed: (.*)$/.exec(problem) ?? [];
    return keys?.split(", ") ?? [];
  });
  expect(listed.length).toBeGreaterThan(0);
  return listed.sort();
}

/** Returns the schema of a section; of the network that is chosen, where there are two. */
function schemaAt(path: readonly string[], alternative = 0): Node {
  return path.reduce<Node>((node, key) => {
    const inner = (node.properties as Record<string, Node>)[key]!;
    return "anyOf" in inner ? (inner.anyOf as Node[])[alternative]! : inner;
  }, schema);
}

describe("the schema has the keys of the parser, and no others", () => {
  const sections = Object.entries(schema.properties as Record<string, Node>)
    .filter(([name, node]) => node.type === "object" && name !== "model" && name !== "loss")
    .map(([name]) => name);

  test.each<[string, Node, readonly string[], number]>([
    ["the whole", base, [], 0],
    ["an own network", base, ["model"], 0],
    ["an ONNX network", onnx, ["model"], 1],
    ...sections.map((name): [string, Node, readonly string[], number] => [name, base, [name], 0]),
  ])("%s", (_, config, section, alternative) => {
    const node = schemaAt(section, alternative);
    expect(node.additionalProperties).toBe(false);
    expect(Object.keys(node.properties as Node).sort()).toEqual(parserKeys(config, section));
  });

  test("sections include those of every method", () => {
    expect(sections).toEqual(
      expect.arrayContaining(["optim", "scheduler", "augment", "sdc", "nacl", "dicece"]),
    );
  });

  test.each(
    Object.entries(losses).flatMap(([name, { presets }]) =>
      Object.keys(presets).map((preset) => [name, preset]),
    ),
  )("loss %s, %s", (name, variant) => {
    const selector = "preset" in Object.values(losses[name]!.presets)[0]! ? "variant" : "preset";
    const { method, ...rest } = base;
    const config = { ...rest, loss: { name, [selector]: variant } };
    expect(validate(config), JSON.stringify(validate.errors)).toBe(true);
    expect(problems(config)).toEqual([]);
    const keys = parserKeys(config, ["loss"]);
    for (const key of keys.filter((each) => each !== selector)) {
      const value = accepted(losses[name]!.presets[variant]![key]!);
      const with1 = withValue(config, ["loss", key], value);
      expect(problems(with1)).toEqual([]);
      expect(validate(with1), `${key} ${value}`).toBe(true);
    }
    expect(validate(withValue(config, ["loss", "~~~"], 1))).toBe(false);
  });
});

function accepted(option: (typeof losses)[string]["presets"][string][string]): unknown {
  switch (option.type) {
    case "boolean":
      return true;
    case "choice":
      return option.values[0];
    case "integer":
      return option.atLeast ?? 1;
    case "number":
      return option.above !== undefined ? option.above + 0.01 : (option.atLeast ?? 0.5);
  }
}

test.each<[string, Node]>([
  ["the smallest", base],
  ["an ONNX model", onnx],
  ["words in any case", { ...base, method: "SDC", model: { arch: "UNet2D", num_classes: 2 } }],
  ["one pattern", withValue(onnx, ["trainable"], { include: "head.*" })],
  ["several patterns", withValue(onnx, ["trainable"], { include: ["head.*", "dec?.*"], last_layers: 2 })],
  ["groups", withValue(onnx, ["optim", "groups"], [{ match: "a*", lr: 0 }])],
  [
    "a weighted loss in a weighted loss",
    {
      dataset: { root: "data" },
      model: { num_classes: 2 },
      loss: {
        name: "weighted",
        losses: [
          { weight: 1, loss: { name: "dice" } },
          {
            weight: 0.5,
            loss: { name: "weighted", losses: [{ weight: 2, loss: { name: "crossEntropy" } }] },
          },
        ],
      },
    },
  ],
])("both accept %s", (_, config) => {
  expect(problems(config)).toEqual([]);
  expect(validate(config), JSON.stringify(validate.errors)).toBe(true);
});

test.each<[string, Node]>([
  ["an unknown key", { ...base, epoch: 3 }],
  ["a wrong type", withValue(base, ["batch_size"], "4")],
  ["a fraction", withValue(base, ["epochs"], 1.5)],
  ["a number out of bounds", withValue(base, ["model", "num_classes"], 1)],
  ["a bound itself", withValue(base, ["ema"], 1)],
  ["an unknown word", withValue(base, ["device"], "tpu")],
  ["a word within another", withValue(base, ["device"], "cpux")],
  ["method and loss", { ...base, loss: { name: "dice" } }],
  ["neither", { dataset: { root: "data" }, model: { num_classes: 2 } }],
  ["no data set", { method: "sdc", model: { num_classes: 2 } }],
  ["an even window", { dataset: { root: "d" }, model: { num_classes: 2 }, loss: { name: "svls", size: 4 } }],
  ["an unknown loss", { dataset: { root: "d" }, model: { num_classes: 2 }, loss: { name: "mse" } }],
  ["a path as a run's name", { ...base, run_name: "a/b" }],
  ["no text", withValue(base, ["dataset", "root"], "")],
  ["an empty list of patterns", withValue(onnx, ["trainable", "include"], [])],
])("both refuse %s", (_, config) => {
  expect(problems(config)).not.toEqual([]);
  expect(validate(config)).toBe(false);
});

test("every key of the table says what it is", () => {
  const missing: string[] = [];
  const walk = (node: Node, path: string): void => {
    for (const [key, inner] of Object.entries((node.properties ?? {}) as Record<string, Node>)) {
      if (inner.type === "object") walk(inner, `${path}${key}.`);
      else if (inner.description === undefined) missing.push(`${path}${key}`);
    }
  };
  const { properties, ...rest } = schema;
  const sections = new Set([
    "loss",
    "model",
    "sdc",
    "nacl",
    "svls",
    "mbls",
    "fcl",
    "focal",
    "ecp",
    "labelsmoothing",
  ]);
  const own = Object.entries(properties as Node).filter(([key]) => !sections.has(key) && key !== "dicece");
  walk({ ...rest, properties: Object.fromEntries(own) }, "");
  for (const model of (schemaAt([]).properties as Record<string, { anyOf: Node[] }>).model!.anyOf)
    walk(model, "model.");
  expect(missing).toEqual([]);
});
