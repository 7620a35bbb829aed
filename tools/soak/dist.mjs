// The built packages, in one place: the soak runs what users run.
const load = (name, file = "index") =>
  import(new URL(`../../packages/${name}/dist/${file}.js`, import.meta.url).href);

export const [core, io, graph, train] = await Promise.all(
  ["core", "io", "graph", "train"].map((name) => load(name)),
);
export const native = (await import(new URL("../../native/index.js", import.meta.url).href)).default;
export const readConfig = async () => (await load("cli", "inputs/config-file")).readConfig;
