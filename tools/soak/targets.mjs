// All targets of the soak. A reader's `share` is its part of the inputs of all readers; calls and kills have
// counts.
const modules = {
  readers: ["onnx", "arrays", "checkpoints", "config", "states", "volumes", "dicom"],
  boundary: ["native", "core"],
  kills: ["checkpoint", "training", "predictor"],
  // Planted faults, which every soak must detect before it begins.
  planted: ["faults"],
};

export const groups = ["readers", "boundary", "kills"];

/** The counts of a full soak. */
export const fullCounts = { readers: 1_000_000, boundary: 100_000, kills: 300 };

/**
 * Returns the targets of a group: { group, name, kind, share, make(random), run(input) }, or {
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
