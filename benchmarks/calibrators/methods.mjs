// The calibrators that benchmarks/calibrators.mjs compares.
const plain = [
  "none",
  "temperature",
  "entropy-temperature",
  "distance-temperature",
  "distance-affine",
  "local-temperature",
  "ensemble-temperature",
  "selective",
  "vector",
  "matrix",
  "dirichlet",
  "platt",
  "beta",
  "isotonic",
  "histogram",
  "bbq",
];

/** Every method by name: the calibrator, the options of its fit and the fewest cases that it takes. */
export const methods = {
  ...Object.fromEntries(plain.map((name) => [name, { name, options: {} }])),
  "image-temperature": { name: "image-temperature", options: {}, cases: 15 },
  "distance-temperature+floor": { name: "distance-temperature", options: { floor: true } },
  "distance-affine+floor": { name: "distance-affine", options: { floor: true } },
  auto: { name: "auto", options: {} },
  "auto-any": { name: "auto", options: { allowLabelChanges: true } },
};
