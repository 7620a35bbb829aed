// The rows that are measured: for each its input, our call (ours.mjs), the peers' calls
// (../peers/kernels.py), the bytes that any implementation must move, and the ratio peer / ours aimed at with
// one and with two threads.
const product = (dims) => dims.reduce((count, dim) => count * dim, 1);
const size = (dims) => dims.join(" x ");

const distance = (dims, kind, peers, goals) => ({
  kernel: "distance transform",
  title: `${size(dims)} ${kind}`,
  input: { kind, dims },
  op: "distanceTransform",
  options: { dims },
  bytes: 5 * product(dims),
  peers,
  goals,
});

const edt = { name: "edt.hpp", ops: ["edt_hpp_binary", "edt_hpp_labels"] };
const opencv = { name: "OpenCV", ops: ["edt_opencv"] };
const scipy = { name: "SciPy", ops: ["edt_scipy"] };

const signed = (dims, classes, goals) => ({
  kernel: "signed distance",
  title: `${size(dims)}, ${classes} classes`,
  input: { kind: "labels", dims, classes },
  op: "signedDistance",
  options: { dims, classes },
  bytes: (8 + 4 * classes) * product(dims),
  peers: [{ name: "authors' code", ops: ["signed_reference"], goals }],
});

const soft = (dims, classes, morphology, kernel, goals) => ({
  kernel: "adaptive target",
  title: `${size(dims)}, ${classes} classes, ${morphology}, ${kernel}`,
  input: { kind: "labels", dims, classes },
  op: "softLabels",
  options: { dims, classes, morphology, kernel },
  bytes: (8 + 4 * classes) * product(dims),
  peers: [{ name: "authors' code", ops: ["soft_reference"], goals }],
});

const calibration = (classes, dims, kind, type = "float32") => ({
  kernel: type === "float16" ? "pECE + ECE + CECE, float16" : "pECE + ECE + CECE",
  title: `${classes} x ${size(dims)} ${kind}`,
  input: { kind, dims, classes },
  op: "calibration",
  options: { dims, classes, type },
  bytes: ((type === "float16" ? 2 : 4) * classes + 8) * product(dims),
  reads: true,
  peers:
    type === "float16"
      ? [{ name: "torchmetrics", ops: ["calibration_torchmetrics"] }]
      : [
          { name: "authors' code", ops: ["calibration_reference"], goals: [35, 60] },
          { name: "torchmetrics", ops: ["calibration_torchmetrics"], goals: [20, 33] },
        ],
});

const surface = (dims, goals) => ({
  kernel: "HD95",
  title: size(dims),
  input: { kind: "pair", dims },
  op: "surfaceDistances",
  options: { dims },
  bytes: 2 * product(dims),
  reads: true,
  peers: [
    { name: "authors' code", ops: ["hd95_reference"], goals: goals.reference },
    { name: "authors' code, cropped", ops: ["hd95_cropped"], goals: goals.best },
    { name: "MONAI", ops: ["hd95_monai"], goals: goals.best },
    { name: "surface-distance", ops: ["hd95_deepmind"], goals: goals.best },
  ],
});

const components = (dims, kind, connectivity) => ({
  kernel: "connected components",
  title: `${size(dims)} ${kind}, ${connectivity}`,
  input: { kind, dims },
  op: "connectedComponents",
  options: { dims, connectivity },
  bytes: 5 * product(dims),
  peers: [
    { name: "SciPy", ops: ["components_scipy"] },
    { name: "cc3d", ops: ["components_cc3d"] },
    ...(dims.length === 2 ? [{ name: "OpenCV", ops: ["components_opencv"] }] : []),
  ],
});

const morphology = (dims, op, goals, radius = 1) => ({
  kernel: "morphology",
  title: `${size(dims)} ${op} ${2 * radius + 1} x ${2 * radius + 1}`,
  input: { kind: "blob", dims },
  op: "morphology",
  options: { dims, op, radius },
  bytes: 2 * product(dims),
  peers: [{ name: "OpenCV", ops: ["morphology_opencv"], goals }],
});

const packed = (dims, goals) => ({
  kernel: "packed morphology",
  title: `${size(dims)} erosion 3 x 3`,
  input: { kind: "blob", dims },
  op: "packedMorphology",
  options: { dims, op: "erosion", radius: 1 },
  bytes: product(dims) / 4,
  peers: [{ name: "Leptonica", ops: ["morphology_leptonica"], goals }],
});

const x17 = (goal) => [goal, 1.7 * goal];

export const rows = [
  distance([512, 512], "blob", [{ ...opencv, goals: [10, 7] }, { ...scipy, goals: [60] }, edt]),
  distance([1024, 1024], "blob", [{ ...opencv, goals: [10, 7] }, { ...scipy, goals: [60] }, edt]),
  distance([4096, 4096], "blob", [
    { ...opencv, goals: [8, 7] },
    { ...scipy, goals: [57] },
  ]),
  distance([1024, 1024], "ball", [opencv]),
  distance([512, 512], "sites", [{ ...opencv, goals: [5, 5] }]),
  distance([1024, 1024], "sites", [{ ...opencv, goals: [5, 5] }]),
  distance([4096, 4096], "sites", [{ ...opencv, goals: [5, 5] }]),
  distance([30, 192, 192], "blob", [
    { ...edt, goals: [20, 20] },
    { ...scipy, goals: [80] },
  ]),
  distance([30, 192, 192], "ball", [{ ...edt, goals: [7, 7] }]),
  distance([30, 192, 192], "sites", [{ ...edt, goals: [7, 7] }]),
  distance([256, 256, 256], "blob", [
    { ...edt, goals: [16, 16] },
    { ...scipy, goals: [80] },
  ]),
  distance([256, 256, 256], "sites", [{ ...edt, goals: [7, 7] }]),
  distance([256, 256, 256], "opposite", [{ ...edt, goals: [7, 7] }]),
  distance([128, 512, 512], "blob", [{ ...edt, goals: [16, 14] }]),
  signed([4, 224, 224], 2, [45, 65]),
  signed([4, 224, 224], 4, [45, 65]),
  signed([2, 30, 192, 192], 5, [70, 115]),
  soft([4, 224, 224], 2, "gradient", "mean", [8]),
  soft([4, 224, 224], 4, "gradient", "mean"),
  soft([4, 224, 224], 2, "gradient", "mode", [10_000]),
  soft([2, 30, 192, 192], 5, "gradient", "mean", [20]),
  soft([2, 30, 192, 192], 5, "erosion", "gaussian", [20]),
  soft([2, 30, 192, 192], 5, "dilation", "max", [20]),
  calibration(2, [512, 512], "prob"),
  calibration(2, [512, 512], "probr"),
  calibration(4, [30, 192, 192], "prob"),
  calibration(4, [30, 192, 192], "probr"),
  calibration(4, [128, 256, 256], "prob"),
  calibration(4, [128, 256, 256], "probr"),
  calibration(4, [30, 192, 192], "prob", "float16"),
  surface([256, 256], { reference: [50], best: [30] }),
  surface([128, 256, 256], { reference: [80], best: [25] }),
  components([512, 512], "blob", "faces"),
  components([512, 512], "sites", "corners"),
  components([4096, 4096], "blob", "corners"),
  components([128, 256, 256], "blob", "faces"),
  components([128, 256, 256], "blob", "corners"),
  morphology([512, 512], "erosion", x17(2)),
  morphology([1024, 1024], "erosion", x17(2)),
  morphology([4096, 4096], "erosion", x17(1.3)),
  morphology([512, 512], "gradient", x17(4)),
  morphology([4096, 4096], "gradient", x17(2.5)),
  morphology([512, 512], "opening", x17(2)),
  morphology([4096, 4096], "opening", x17(1.4)),
  morphology([1024, 1024], "erosion", undefined, 15),
  packed([512, 512], [6]),
  packed([4096, 4096], [6]),
  {
    kernel: "AdamW",
    title: "8,388,608 parameters",
    input: { kind: "parameters", dims: [8_388_608] },
    op: "adamw",
    options: { dims: [8_388_608] },
    bytes: 28 * 8_388_608,
    peers: [{ name: "PyTorch", ops: ["adamw_torch"] }],
  },
];
