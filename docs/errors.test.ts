// Every error has a stable code, which errors.md lists.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as core from "@pixelcal/core";
import * as distributed from "@pixelcal/distributed";
import * as evaluate from "@pixelcal/evaluate";
import * as graph from "@pixelcal/graph";
import * as io from "@pixelcal/io";
import * as losses from "@pixelcal/losses";
import * as phantom from "@pixelcal/phantom";
import * as train from "@pixelcal/train";
import { expect, test } from "vitest";
import { CommandError, Interrupted } from "../packages/cli/src/command-error.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "docs", "errors.md"), "utf8");

const { AddonError } = createRequire(import.meta.url)("../native/addon-error.cjs");
const format = new io.FormatError("a.npz", "x", "wrong");
// One of each class.
const addon: Error & { readonly code: string } = new AddonError(
  [{ name: "a.node", reason: "absent" }],
  "build it",
);
const made: Readonly<Record<string, Error & { readonly code: string }>> = {
  AddonError: addon,
  InvalidArgumentError: core.invalidArgument("x", "a number", "y"),
  FormatError: format,
  WriteError: new io.WriteError("a.npz", "no space"),
  LockedError: new io.LockedError("a", "a/.lock", "in use"),
  GraphError: new graph.GraphError("Conv_3", "wrong"),
  UnsupportedOpError: new graph.UnsupportedOpError(["Loop"], "unsupported"),
  DeviceError: new train.DeviceError("cuda", "absent"),
  SessionError: new train.SessionError("closed"),
  StepMemoryError: new train.StepMemoryError("killed"),
  PreparationError: new train.PreparationError("damaged"),
  ConfigError: new train.ConfigError(["loss: wrong"]),
  DivergedError: new train.DivergedError("the loss is NaN", 3),
  TrainingAbortedError: new train.TrainingAbortedError(1, 2, "NaN"),
  DamagedCheckpointError: new train.DamagedCheckpointError(format, []),
  PredictorError: new train.PredictorError("ERR_PIXELCAL_PREDICTOR_BUSY", "full"),
  MpiError: new distributed.MpiError("gone"),
  CommandError: new CommandError("failed"),
  Interrupted: new Interrupted("stopped"),
};

const isErrorClass = (value: unknown): value is new () => Error =>
  typeof value === "function" && value.prototype instanceof Error;

test("every exported error class has a code of the page", () => {
  const exported = [core, distributed, evaluate, graph, io, losses, phantom, train].flatMap((module) =>
    Object.entries(module).filter(([, value]) => isErrorClass(value)),
  );
  expect(exported.length).toBeGreaterThan(10);
  for (const [name, value] of exported) expect(made[name], name).toBeInstanceOf(value);
  for (const [name, { code }] of Object.entries(made)) {
    expect(code, name).toMatch(/^ERR_PIXELCAL_[A-Z_]+$/);
    expect(page).toContain(`\`${code}\``);
  }
});

test("every code of the sources is on the page, and every code of the page in the sources", () => {
  const codes = (text: string): string[] => [...new Set(text.match(/ERR_PIXELCAL_[A-Z_]+/g))].sort();
  expect(codes(page)).toEqual(
    codes(
      sources()
        .map(({ text }) => text)
        .join("\n"),
    ),
  );
});

// Errors that their callers catch and wrap, or that end a process of the Predictor's own.
const inner: ReadonlySet<string> = new Set([
  "io/src/pickle/stream.ts",
  "io/src/volume/dicom/jpeg-bits.ts",
  "io/src/volume/dicom/parse.ts",
  "io/src/volume/packed.ts",
  "io/src/yauzl-index.ts",
  "io/src/zip.ts",
  "train/src/predict/service/child.ts",
  "train/src/predict/service/exchange.ts",
]);

test("no other source throws an error without a class of its own", () => {
  const outer = sources().filter(({ path }) => !inner.has(path));
  const plain = outer.filter(({ text }) => /new (Type|Range|Syntax)?Error\(/.test(text));
  expect(plain.map(({ path }) => path)).toEqual([]);
  for (const { text, path } of outer)
    for (const [, name] of text.matchAll(/class (\w+) extends \w*Error\b/g))
      expect(made, `${path}: ${name}`).toHaveProperty(name!);
});

test("native errors have the codes of their class", () => {
  const labels = core.tensor("uint8", new Uint8Array(4), [1, 4]);
  expect(() => core.signedDistanceSync(labels, { classes: 0 })).toThrow(
    expect.objectContaining({ code: "ERR_PIXELCAL_INVALID_ARGUMENT", argument: "classes" }),
  );
  const many = core.tensor("uint8", new Uint8Array(24 << 20), [1, 24 << 20]);
  expect(() => core.signedDistanceSync(many, { classes: 32767 })).toThrow(
    expect.objectContaining({ code: "ERR_PIXELCAL_RESULT_TOO_LARGE", argument: "out" }),
  );
  expect(() => core.zeros("float64", [2 ** 50])).toThrow(
    expect.objectContaining({ code: "ERR_PIXELCAL_RESULT_TOO_LARGE", argument: "dims" }),
  );
});

test("what is wrong with a file shows in the code", async () => {
  const code = (reading: Promise<unknown>): Promise<unknown> => reading.catch((error) => error.code);
  expect(await code(io.readNpz("/no/such/file.npz"))).toBe("ERR_PIXELCAL_FILE");
  expect(await code(io.readNpz(root))).toBe("ERR_PIXELCAL_FILE");
  expect(await code(io.listCases("/no/such/folder"))).toBe("ERR_PIXELCAL_FILE");
  expect(await code(io.readNpz(new Uint8Array(64)))).toBe("ERR_PIXELCAL_FORMAT");
  const x = core.tensor("float32", new Float32Array(1000), [1000]);
  const bytes = await io.encodeNpz({ x });
  for (const limits of [{ maxFile: 10 }, { maxOutput: 10 }, { maxEntries: 0 }, { maxElements: 10 }])
    expect(await code(io.readNpz(bytes, limits)), JSON.stringify(limits)).toBe("ERR_PIXELCAL_LIMIT");
  const volume = core.zeros("uint8", [2, 2, 2]);
  const npz = await io.encodeNpz({ volume });
  expect(await code(io.readVolume(npz, { limits: { maxElements: 3 } }))).toBe("ERR_PIXELCAL_LIMIT");
  expect(await code(io.readVolume(new Uint8Array(0)))).toBe("ERR_PIXELCAL_FORMAT");
});

function sources(): readonly { readonly path: string; readonly text: string }[] {
  const packages = join(root, "packages");
  const loader = ["addon-error.cjs", "index.cjs", "platform.cjs"].map((file) => ({
    path: `native/${file}`,
    text: readFileSync(join(root, "native", file), "utf8"),
  }));
  const own = readdirSync(packages).flatMap((name) =>
    readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !/test|testing/.test(file))
      .map((file) => {
        const path = `${name}/src/${file.replaceAll("\\", "/")}`;
        return { path, text: readFileSync(join(packages, path), "utf8") };
      }),
  );
  return [...loader, ...own];
}
