import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importProblems } from "./imports.mjs";
import { importsOf } from "./sources.mjs";
import { voiceProblems } from "./voice.mjs";

const all = { core: {}, graph: {}, io: {}, losses: {}, train: {} };

/** Returns the problems of a repository of these files; `listed` are the dependencies of its packages. */
function problemsOf(files, listed = {}) {
  const root = mkdtempSync(join(tmpdir(), "pixelcal-lint-"));
  try {
    const write = (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write("package.json", JSON.stringify({ devDependencies: { vitest: "4" } }));
    write("native/package.json", JSON.stringify({ name: "@pixelcal/native" }));
    for (const name of Object.keys({ ...all, ...listed })) {
      const dependencies = Object.fromEntries((listed[name] ?? []).map((other) => [other, "1"]));
      write(`packages/${name}/package.json`, JSON.stringify({ name: `@pixelcal/${name}`, dependencies }));
    }
    for (const [path, text] of Object.entries(files)) write(path, text);
    return importProblems(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("finds every kind of import", () => {
  const text = [
    'import a from "a";',
    'import * as b from "b";',
    'import {\n  c,\n  type C,\n} from "c";',
    'import type { D } from "d";',
    'import { type E, type F } from "e";',
    'import "f";',
    'export * from "g";',
    'export type { H } from "h";',
    'const i = await import("i");',
    'type J = typeof import("j");',
    '// import("not") from "this"',
    ' * or `import("that")`',
    "export const from = 1;",
    'const text = "nor this";',
  ].join("\n");
  const types = ["d", "e", "h", "j"];
  expect(importsOf(text)).toEqual([..."abcdefghij"].map((from) => ({ from, types: types.includes(from) })));
});

test("circles, type-only imports and re-exports included, but not those of tests", () => {
  const files = {
    "packages/core/src/a.ts": 'import type { B } from "./folder/b.js";\nimport { a } from "./a.test.js";\n',
    "packages/core/src/folder/b.ts": 'export * from "../c.js";\n',
    "packages/core/src/c.ts": 'import { a } from "./a.js";\n',
    "packages/core/src/a.test.ts": 'import { a } from "./a.js";\n',
  };
  expect(problemsOf(files)).toEqual([
    "import circle: packages/core/src/a.ts -> packages/core/src/folder/b.ts -> packages/core/src/c.ts -> packages/core/src/a.ts",
  ]);
});

test.each([
  ["io", "@pixelcal/train", "io must not import @pixelcal/train"],
  ["train", "@pixelcal/native", "train must not import @pixelcal/native"],
  ["graph", "@pixelcal/core", "graph may import types of @pixelcal/core only"],
  ["core", "@pixelcal/core", "imports its own package; import the file"],
  [
    "losses",
    "../../core/src/a.js",
    "imports ../../core/src/a.js, a file of another package; import the package",
  ],
])("%s importing %s goes against the staircase", (name, from, message) => {
  const listed = from.startsWith(".") ? {} : { [name]: [from] };
  const files = { [`packages/${name}/src/a.ts`]: `import { x } from "${from}";\n` };
  expect(problemsOf(files, listed)).toEqual([`packages/${name}/src/a.ts: ${message}`]);
});

test("a package without a step, and one that others than core take from native", () => {
  expect(problemsOf({ "packages/other/src/a.ts": "export const a = 1;\n" })).toEqual([
    "packages/other/src/a.ts: other has no step in tools/lint/imports.mjs",
  ]);
  expect(problemsOf({ "benchmarks/a.mjs": 'import native from "@pixelcal/native";\n' })).toEqual([
    "benchmarks/a.mjs: only core imports @pixelcal/native",
  ]);
});

test("what is imported is listed, and nothing else", () => {
  const files = {
    "packages/io/src/a.ts": 'import { open } from "yauzl";\nimport { read } from "node:fs";\n',
    "packages/io/src/a.test.ts": 'import { test } from "vitest";\nimport x from "sharp";\n',
  };
  expect(problemsOf(files, { io: ["@pixelcal/core"] })).toEqual([
    "packages/io/package.json: dependencies lack yauzl",
    "packages/io/package.json: lists no sharp",
    "packages/io/package.json: dependencies list @pixelcal/core, which nothing but tests imports",
  ]);
});

test("an example lists what it imports, and its own compiler", () => {
  const manifest = {
    dependencies: { "@pixelcal/core": "1" },
    devDependencies: { typescript: "7", sharp: "1" },
  };
  const files = {
    "examples/service/package.json": JSON.stringify(manifest),
    "examples/service/src/a.ts": 'import { x } from "@pixelcal/core";\nimport fastify from "fastify";\n',
    "examples/service/vitest.config.ts": 'import { defineConfig } from "vitest/config";\n',
  };
  expect(problemsOf(files)).toEqual([
    "examples/service/package.json: dependencies lack fastify",
    "examples/service/package.json: devDependencies list sharp, which nothing imports",
  ]);
});

test("one file imports the runtime", () => {
  const text = 'import type { Tensor } from "onnxruntime-node";\n';
  const files = { "packages/train/src/runtime/a.ts": text, "packages/train/src/runtime/b.ts": text };
  expect(problemsOf(files, { train: ["onnxruntime-node"] })).toEqual([
    "onnxruntime-node: imported by packages/train/src/runtime/a.ts, packages/train/src/runtime/b.ts; expected one file of packages/train/src/runtime/",
  ]);
});

test("comments are no wider than a line and begin with a verb or a noun", () => {
  const text = [
    `/** ${"What"} a step leaves. */`,
    `/**\n * ${"Of"} two classes.\n */`,
    "/** Whatever is left. */",
    `// ${"x".repeat(107)}`,
    `// ${"x".repeat(108)}`,
    `const a = "${"x".repeat(120)}";`,
    `const b = 1; // ${"x".repeat(120)}`,
    `  // ${"Those"} of a step.`,
    "  // The rest of a comment may begin with:",
    `  // ${"What"} a step leaves.`,
    `/** ${"How"} a step ends. */`,
  ].join("\n");
  expect(voiceProblems("a.ts", text)).toEqual([
    "a.ts:7: a comment of 111 columns; at most 110",
    "a.ts:9: a comment of 136 columns; at most 110",
    'a.ts:10: a comment begins with "Those"; begin with a verb, or a noun and its article',
    'a.ts:1: a doc comment begins with "What"; begin with a verb, or a noun and its article',
    'a.ts:2: a doc comment begins with "Of"; begin with a verb, or a noun and its article',
    'a.ts:13: a doc comment begins with "How"; begin with a verb, or a noun and its article',
  ]);
});
