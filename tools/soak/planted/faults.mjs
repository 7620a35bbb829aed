// One fault of every kind, by the input's index.
const kept = [];

const faults = {
  accepted: () => undefined,
  untyped: () => null.dims,
  crash: () => process.abort(),
  hang: () => {
    for (;;);
  },
  memory: () => void kept.push(new Uint8Array(80 * 2 ** 20).fill(1)),
};

const expected = ["accepted", "untyped", "accepted", "memory", "crash", "accepted", "hang", "accepted"];

export const plantedTarget = {
  name: "planted",
  kind: "core",
  share: 1,
  rate: 1,
  expected,
  make: (_, index) => index,
  run: (index) => faults[expected[index]](),
};
