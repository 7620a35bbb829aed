// Everything that is soaked. A reader's `share` is its part of the inputs of all readers;
// calls and kills are counted.
const modules = {
  readers: ["onnx", "arrays", "checkpoints", "config", "states", "volumes"],
  boundary: ["native", "core"],
  kills: ["checkpoint", "training", "predictor"],
  // Faults put in on purpose, which every soak must see before it begins.
  planted: ["faults"],
};

export const groups = ["readers", "boundary", "kills"];

/** Full counts of a whole soak. */
export const fullCounts = { readers: 1_000_000, boundary: 100_000, kills: 300 };

/**
 * The targets of a group: { group, name, kind, share, make(random), run(input) }, or {
 * perform(random) } for kills.
 */
export async function targetsOf(group) {
  const loaded = await Promise.all(modules[group].map((name) => import(`./${group}/${name}.mjs`)));
  return loaded
    .flatMap((module) => Object.values(module))
    .filter((value) => value?.share !== undefined)
    .map((target) => ({ group, ...target }));
}

export async function targetNamed(group, name) {
  return (await targetsOf(group)).find((target) => target.name === name);
}
