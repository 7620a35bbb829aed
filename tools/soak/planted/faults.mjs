// One fault of every kind, by the input's index.
import { sameValues } from "../oracles/judge.mjs";

const kept = [];

const faults = {
  accepted: () => undefined,
  untyped: () => null.dims,
  crash: () => process.abort(),
  hang: () => {
    for (;;);
  },
  other: () =>
    sameValues(
      { type: "uint8", shape: [2], data: Uint8Array.of(1, 2) },
      { type: "uint8", sizes: [2], values: Uint8Array.of(1, 3) },
    ),
  memory: () => void kept.push(new Uint8Array(80 * 2 ** 20).fill(1)),
};

const planted = ["accepted", "untyped", "other", "memory", "crash", "accepted", "hang", "accepted"];

export const plantedTarget = {
  name: "planted",
  kind: "core",
  share: 1,
  rate: 1,
  // Values that differ from the oracle's are an error that no reader may throw.
  expected: planted.map((fault) => (fault === "other" ? "untyped" : fault)),
  make: (_, index) => index,
  run: (index) => faults[planted[index]](),
};
