// Imports point one way: no circle between files, no package that imports one above it, no package.json
// that lists more or less than its sources import. Type-only imports count. Prints one line a problem;
// exit code 1 if there is any.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder, importsOf, read, readJson } from "./sources.mjs";

/** The other packages each package may import; "types" where only types. */
const staircase = {
  native: {},
  core: { native: "all" },
  io: { core: "all" },
  graph: { core: "types" },
  evaluate: { core: "all", io: "all" },
  losses: { core: "all", graph: "all" },
  phantom: { core: "all", io: "all" },
  train: { core: "all", graph: "all", io: "all", losses: "all" },
  distributed: { core: "all" },
  cli: {
    core: "all",
    distributed: "all",
    evaluate: "all",
    graph: "all",
    io: "all",
    losses: "all",
    phantom: "all",
    train: "all",
  },
};

/** Third-party packages that only one file may import: replacing one of them replaces that file. */
const oneFile = { "onnxruntime-node": "packages/train/src/runtime/" };

/** The tools native is built with: CMake finds these, no source imports them. */
const buildTools = new Set(["cmake-js", "node-addon-api", "node-api-headers"]);
/** The compiler of examples, which are copied out of this repository. */
const compiler = new Set(["typescript", "@types/node"]);

const sourceFile = /\.(ts|mjs|js)$/;
const testFile = /\.test\.|\/test\/|vitest\.config\./;
const scope = "@pixelcal/";

/** Returns the problems of the repository at `root`, a line each. */
export function importProblems(root) {
  const folders = ["native", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`)];
  if (existsSync(join(root, "examples")))
    folders.push(...readdirSync(join(root, "examples")).map((name) => `examples/${name}`));
  for (const other of ["benchmarks", "docs", "tools"]) if (existsSync(join(root, other))) folders.push(other);
  const files = folders.flatMap((folder) => filesUnder(root, folder, sourceFile));
  const graph = new Map(files.map((path) => [path, importsOf(read(root, path))]));
  const rootManifest = readJson(root, "package.json");
  return [
    ...circles(graph).map((circle) => `import circle: ${circle.join(" -> ")}`),
    ...folders.flatMap((folder) => {
      const own = [...graph].filter(([path]) => path.startsWith(`${folder}/`));
      const manifest = `${folder}/package.json`;
      return [
        ...own.flatMap(([path, imports]) => steps(folder, path, imports)),
        ...(existsSync(join(root, manifest))
          ? listed(readJson(root, manifest), rootManifest, own).map((problem) => `${manifest}: ${problem}`)
          : []),
      ];
    }),
    ...Object.entries(oneFile).flatMap(([name, where]) => {
      const users = [...graph].filter(([, imports]) => imports.some(({ from }) => packageOf(from) === name));
      const paths = users.map(([path]) => path);
      if (paths.length <= 1 && paths.every((path) => path.startsWith(where))) return [];
      return [`${name}: imported by ${paths.join(", ")}; expected one file of ${where}`];
    }),
  ];
}

/** Returns the name of the package an import names; undefined for files and Node's own modules. */
function packageOf(from) {
  if (from.startsWith(".") || from.startsWith("/") || from.startsWith("node:") || from.startsWith("file:"))
    return undefined;
  return from.match(/^(@[^/]+\/)?[^/]+/)[0];
}

/** Returns the source that a relative import means: sources name the compiled file. */
function target(path, from, known) {
  const plain = posix.join(posix.dirname(path), from);
  return [plain, plain.replace(/\.js$/, ".ts")].find((candidate) => known.has(candidate));
}

/** Returns every circle met on a walk over the files but tests, each as a path that ends where it begins. */
function circles(graph) {
  const found = [];
  const state = new Map();
  const walk = [];
  const visit = (path) => {
    state.set(path, "open");
    walk.push(path);
    for (const { from } of graph.get(path)) {
      const next = from.startsWith(".") ? target(path, from, graph) : undefined;
      if (next === undefined || testFile.test(next)) continue;
      if (state.get(next) === "open") found.push([...walk.slice(walk.indexOf(next)), next]);
      else if (state.get(next) === undefined) visit(next);
    }
    walk.pop();
    state.set(path, "done");
  };
  for (const path of graph.keys()) if (!testFile.test(path) && !state.has(path)) visit(path);
  return found;
}

/** Returns the imports of a file that go up the staircase, or around it. */
function steps(folder, path, imports) {
  const [, name = folder] = folder.split("/");
  const isPackage = folder === "native" || folder.startsWith("packages/");
  const problems = [];
  if (isPackage && !Object.hasOwn(staircase, name))
    return [`${path}: ${name} has no step in tools/lint/imports.mjs`];
  for (const { from, types } of imports) {
    if (
      from.startsWith(".") &&
      isPackage &&
      !posix.join(posix.dirname(path), from).startsWith(`${folder}/`)
    ) {
      problems.push(`${path}: imports ${from}, a file of another package; import the package`);
    }
    if (!from.startsWith(scope)) continue;
    const other = from.slice(scope.length).split("/")[0];
    if (other === name && isPackage) problems.push(`${path}: imports its own package; import the file`);
    else if (isPackage && !testFile.test(path) && staircase[name][other] === undefined)
      problems.push(`${path}: ${name} must not import ${from}`);
    else if (isPackage && !testFile.test(path) && staircase[name][other] === "types" && !types)
      problems.push(`${path}: ${name} may import types of ${from} only`);
    else if (!isPackage && other === "native") problems.push(`${path}: only core imports ${from}`);
  }
  return problems;
}

/** Returns the dependencies in which a manifest and the imports of its files differ. */
function listed(manifest, rootManifest, files) {
  const {
    dependencies = {},
    devDependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
  } = manifest;
  const names = (wanted) =>
    new Set(
      files
        .filter(([path]) => wanted(path))
        .flatMap(([, imports]) => imports.flatMap(({ from }) => packageOf(from) ?? [])),
    );
  const needed = names((path) => !testFile.test(path));
  const all = names(() => true);
  const runtime = { ...dependencies, ...optionalDependencies };
  const known = { ...runtime, ...devDependencies, ...rootManifest.devDependencies };
  const typesOf = (name) => name.replace(/^@types\//, "");
  return [
    ...[...needed]
      .filter((name) => !(name in runtime || name in peerDependencies))
      .map((name) => `dependencies lack ${name}`),
    ...[...all].filter((name) => !(name in known) && !needed.has(name)).map((name) => `lists no ${name}`),
    ...Object.keys(runtime)
      .filter((name) => !needed.has(name))
      .map((name) => `dependencies list ${name}, which nothing but tests imports`),
    ...Object.keys(devDependencies)
      // A peer that is loaded by its name, where it is installed, is imported by no source.
      .filter(
        (name) =>
          !all.has(typesOf(name)) &&
          !buildTools.has(name) &&
          !compiler.has(name) &&
          !(name in peerDependencies),
      )
      .map((name) => `devDependencies list ${name}, which nothing imports`),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  const problems = importProblems(root);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
