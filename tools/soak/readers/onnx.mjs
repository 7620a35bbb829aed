// ONNX: parsing with shapes, folding and data in other files, and everything that is asked of a file before.
import { graph, train } from "../dist.mjs";
import { mutated } from "../mutate.mjs";
import { mutatedMessage, parse } from "../protobuf.mjs";
import { onnxSeeds as seeds } from "./onnx-seeds.mjs";
import { scratch, scratchFolder } from "./scratch.mjs";

const messages = seeds.map((seed) => parse(seed));
scratch("weights.bin", new Uint8Array(64));

function make(random) {
  if (random.oneIn(6)) return mutated(random.pick(seeds), random, seeds);
  const [message, other] = [random.pick(messages), random.pick(messages)];
  return mutatedMessage(message, random, random.oneIn(3) ? message : other, seeds);
}

const shapesOf = ({ length }) => ({
  "": length % 3 === 0 ? [1, 1, 8, 8] : length % 3 === 1 ? [1, 1, 16, 16] : [1, 4, 8],
});

function parsed(bytes) {
  const options = { externalData: scratchFolder };
  // Most with the sizes that the file declares, some with given ones.
  return graph.parseModel(bytes, bytes.length % 4 === 0 ? { ...options, shapes: shapesOf(bytes) } : options);
}

const attempts = [
  graph.inspectModel,
  graph.modelOperators,
  graph.modelMetadata,
  (bytes) => graph.parseModel(bytes, { tiedWeights: "untie", externalData: scratchFolder }),
];

export const onnxTarget = {
  name: "onnx",
  kind: "onnx",
  share: 0.2,
  rate: 1500,
  make,
  run(bytes) {
    // One other question each: all of them of every input would ask the same things many times.
    const other = attempts[bytes.length % attempts.length];
    let refused;
    try {
      other(bytes);
    } catch (error) {
      if (!["GraphError", "UnsupportedOpError"].includes(error?.constructor?.name)) throw error;
      refused = error;
    }
    const model = parsed(bytes);
    graph.serializeModel(graph.lower(model));
    if (refused) throw refused;
  },
};

/** `pixelcal check`: what was parsed is also tried in the runtime, which takes a second for a good model. */
export const checkTarget = {
  name: "onnx-check",
  kind: "onnx",
  share: 0.001,
  rate: 50,
  make,
  run: (bytes) => train.checkModel(bytes, { externalData: scratchFolder, threads: 1 }),
};
