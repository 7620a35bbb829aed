// The cases of the installation test. Each returns nothing, or the reason why it was skipped, and throws if
// it fails.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prebuiltManifest, root } from "../release/manifests.mjs";
import { nodeBinary } from "../release/nodes.mjs";
import { Consumer, firstProgram } from "./consumer.mjs";
import { managers } from "./managers.mjs";

const core = "@pixelcal/core";
const most = { packages: 4, bytes: 4e6 };
const noNetwork = "the registry cannot be reached";
const unreachable = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT/;

const esm = `import { devices } from "${core}";\nif (devices()[0] !== "cpu") throw new Error("no cpu");\n`;
const commonJs = `const { devices } = require("${core}");\nif (devices()[0] !== "cpu") throw new Error("no cpu");\n`;

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

/** Runs `use` with a consumer in a folder of its own. */
async function consuming({ registry, home }, use) {
  const consumer = new Consumer(registry.address, home);
  try {
    return await use(consumer);
  } finally {
    consumer.remove();
  }
}

/** Installs packages by a manager, without any script; returns the reason if the manager cannot be had. */
async function install(consumer, manager, names, more = [], files = managers[manager].files ?? {}) {
  const { program, add } = managers[manager];
  const file = program();
  if (file === undefined) return noNetwork;
  for (const [name, text] of Object.entries(files)) consumer.write(name, text);
  const scripts = manager === "yarn" ? [] : ["--ignore-scripts"];
  await consumer.must(process.execPath, [file, ...add, ...scripts, ...more, ...names]);
  return undefined;
}

const programs = {
  "readme.mjs": firstProgram("packages/core/README.md"),
  "esm.mjs": esm,
  "commonjs.cjs": commonJs,
};

/** Runs the README's first program, and both module systems, by a Node. */
async function use(consumer, node = process.execPath) {
  for (const [file, text] of Object.entries(programs)) {
    consumer.write(file, text);
    await consumer.must(node, [file]);
  }
}

const installed = {
  title: "npm: README's first program, ESM and CommonJS, without a compiler",
  quick: true,
  run: (context) =>
    consuming(context, async (consumer) => {
      await install(consumer, "npm", [core]);
      const { packages, bytes } = consumer.installed();
      expect(packages.length <= most.packages, `${packages.length} packages: ${packages.join(", ")}`);
      expect(packages.includes(`@pixelcal/native-${context.host}`), `packages: ${packages.join(", ")}`);
      // A checkout's own build may have CUDA kernels in it, and symbols for debuggers.
      if (context.released) expect(bytes <= most.bytes, `${bytes} bytes; at most ${most.bytes}`);
      await use(consumer);
    }),
};

const byManager = Object.keys(managers)
  .filter((manager) => manager !== "npm")
  .map((manager) => ({
    title: `${manager}: README's first program, ESM and CommonJS`,
    run: (context) =>
      consuming(context, async (consumer) => {
        const skipped = await install(consumer, manager, [core]);
        if (skipped) return skipped;
        await use(consumer);
        return undefined;
      }),
  }));

const plugAndPlay = {
  title: "yarn (Plug'n'Play): README's first program, from archives",
  run: (context) =>
    consuming(context, async (consumer) => {
      consumer.write("yarn.lock", "");
      const skipped = await install(consumer, "yarn", [core], [], {});
      if (skipped) return skipped;
      // Its loader cannot `require` an ES module that is in an archive.
      consumer.write("readme.mjs", programs["readme.mjs"]);
      await consumer.must(process.execPath, [managers.yarn.program(), "node", "readme.mjs"]);
      return undefined;
    }),
};

const byNode = ["20", "22", "24"].map((version) => ({
  title: `Node ${version}: README's first program, ESM and CommonJS`,
  run: (context) =>
    consuming(context, async (consumer) => {
      const node = nodeBinary(version, process.arch);
      if (node === undefined) return noNetwork;
      await install(consumer, "npm", [core]);
      await use(consumer, node);
      return undefined;
    }),
}));

const offline = ["npm", "pnpm"].map((manager) => ({
  title: `${manager}: offline, from a warm cache`,
  run: async (context) => {
    await consuming(context, (consumer) => install(consumer, manager, [core]));
    await consuming(context, async (consumer) => {
      await install(consumer, manager, [core], managers[manager].offline);
      await use(consumer);
    });
  },
}));

const withoutOptional = {
  title: "npm --omit=optional: one clear error, and its command mends it",
  quick: true,
  run: (context) =>
    consuming(context, async (consumer) => {
      await install(consumer, "npm", [core], ["--omit=optional"]);
      const { version } = prebuiltManifest(context.host);
      const command = `npm install @pixelcal/native-${context.host}@${version}`;
      for (const [file, text] of [
        ["esm.mjs", esm],
        ["commonjs.cjs", commonJs],
      ]) {
        consumer.write(file, text);
        const { status, output } = await consumer.run(process.execPath, [file]);
        expect(status !== 0 && output.includes("ERR_PIXELCAL_ADDON_NOT_LOADED"), output);
        for (const part of [process.platform, process.arch, process.versions.node, "not installed", command])
          expect(output.includes(part), `${part} missing in ${output}`);
      }
      const [name] = command.split(" ").slice(2);
      await install(consumer, "npm", [name]);
      await use(consumer);
    }),
};

const origin = `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
console.log(createRequire(require.resolve("@pixelcal/core"))("@pixelcal/native").origin);
`;

const cuda = ["npm", "pnpm", "yarn"].map((manager) => ({
  title: `${manager}: the CUDA package is preferred once it is installed`,
  run: (context) =>
    consuming(context, async (consumer) => {
      const addon = "@pixelcal/native-linux-x64-cuda";
      if (context.host !== "linux-x64-glibc") return `there is none for ${context.host}`;
      if (context.list.some(({ name, placeholder }) => placeholder && name === addon))
        return "it is not packed";
      const skipped = await install(consumer, manager, [core]);
      if (skipped) return skipped;
      consumer.write("origin.mjs", origin);
      const before = await consumer.must(process.execPath, ["origin.mjs"]);
      expect(before.trim() === `@pixelcal/native-${context.host}`, before);
      await install(consumer, manager, [addon]);
      const after = await consumer.must(process.execPath, ["origin.mjs"]);
      expect(after.trim() === addon, after);
      await use(consumer);
      return undefined;
    }),
}));

/** TypeScript's ways to find a package; node16 has no require of ES modules. */
const resolutions = [
  { module: "node16", files: ["app.mts"] },
  { module: "nodenext", files: ["app.mts", "app.cts"] },
  { module: "preserve", moduleResolution: "bundler", files: ["app.ts"] },
];

const typescript = resolutions.map(({ files, ...options }) => ({
  title: `TypeScript, ${options.moduleResolution ?? options.module}, strict, with the libraries' types checked`,
  run: (context) =>
    consuming(context, async (consumer) => {
      await install(consumer, "npm", [core]);
      for (const file of files)
        consumer.write(
          file,
          `import { type Tensor, tensor, devices } from "${core}";\nexport const x: Tensor<"uint8"> = tensor("uint8", Uint8Array.of(1), [1]);\n// @ts-expect-error: there is no such type\ntensor("uint7", Uint8Array.of(1), [1]);\nexport const all: readonly string[] = devices();\n`,
        );
      const compilerOptions = {
        ...options,
        target: "es2023",
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: [],
      };
      consumer.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
      await consumer.must(process.execPath, [
        join(root, "node_modules", "typescript", "bin", "tsc"),
        "-p",
        ".",
      ]);
    }),
}));

const runtimeMissing = `
import "@pixelcal/evaluate";
import { createSession } from "@pixelcal/train";
const error = await createSession(new Uint8Array(1)).catch((error) => error);
const said = /onnxruntime-node is not installed; npm install --ignore-scripts onnxruntime-node@1/.test(error.message);
if (!said || error.code !== "ERR_PIXELCAL_DEVICE") throw error;
`;

const everything = {
  title: "npm: every package, without a script, and the command line",
  run: (context) =>
    consuming(context, async (consumer) => {
      const { status, output } = await consumer.run(process.execPath, [
        managers.npm.program(),
        ...managers.npm.add,
        "--ignore-scripts",
        "@pixelcal/cli",
      ]);
      if (status !== 0 && unreachable.test(output)) return noNetwork;
      expect(status === 0, output);
      await consumer.must(process.execPath, [join("node_modules", ".bin", "pixelcal"), "--version"]);
      const phantom = ["phantom", "--out", "data", "--cases", "3", "--size", "32x32"];
      await consumer.must(process.execPath, [join("node_modules", ".bin", "pixelcal"), ...phantom]);
      // Scoring needs no runtime of networks, and what needs it says how to get it.
      consumer.write("runtime.mjs", runtimeMissing);
      expect(
        !existsSync(join(consumer.folder, "node_modules", "onnxruntime-node")),
        "onnxruntime-node is installed",
      );
      await consumer.must(process.execPath, ["runtime.mjs"]);
      return undefined;
    }),
};

const onPath = {
  title: "npx @pixelcal/cli: the command by the name of its package",
  run: (context) =>
    consuming(context, async (consumer) => {
      const npx = [managers.npm.program(), "exec", "--yes", "--package=@pixelcal/cli", "--"];
      const { status, output } = await consumer.run(process.execPath, [...npx, "pixelcal", "--version"]);
      if (status !== 0 && unreachable.test(output)) return noNetwork;
      expect(status === 0 && output.includes(manifestVersion()), output);
      // By the scoped name alone, npm runs the package's only program.
      const named = [managers.npm.program(), "exec", "--yes", "--", "@pixelcal/cli", "doctor"];
      const report = await consumer.must(process.execPath, named);
      for (const line of [
        /^kernels on cpu +works$/m,
        /^networks on cpu +absent: onnxruntime-node is not installed/m,
      ])
        expect(line.test(report), report);
      return undefined;
    }),
};

const manifestVersion = () => prebuiltManifest("linux-x64-glibc").version;

const service = {
  title: "the example of a scoring service: from packages, its own tests",
  run: (context) =>
    consuming(context, async (consumer) => {
      const example = join(root, "examples", "scoring-service");
      for (const name of ["src", "test", "README.md", "tsconfig.json", "vitest.config.ts"])
        cpSync(join(example, name), join(consumer.folder, name), { recursive: true });
      const manifest = readFileSync(join(example, "package.json"), "utf8");
      consumer.write("package.json", manifest.replaceAll("workspace:*", manifestVersion()));
      const add = [managers.npm.program(), ...managers.npm.add, "--ignore-scripts"];
      const { status, output } = await consumer.run(process.execPath, [...add, "onnxruntime-node@1.30.0"]);
      if (status !== 0 && unreachable.test(output)) return noNetwork;
      expect(status === 0, output);
      await consumer.must(process.execPath, [managers.npm.program(), "test"]);
      return undefined;
    }),
};

export const cases = [
  installed,
  withoutOptional,
  ...byManager,
  plugAndPlay,
  ...byNode,
  ...offline,
  ...cuda,
  ...typescript,
  everything,
  onPath,
  service,
];
