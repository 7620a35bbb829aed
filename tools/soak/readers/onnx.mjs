// ONNX: parsing with shapes, folding and data in other files, and every question that is asked of a file
// before that.
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
  // Mostly with the sizes that the file declares, sometimes with given ones.
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
    // One further question per input: asking all of every input would repeat the same work many times.
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

/** `pixelcal check`: a parsed model is also tried in the runtime, which takes a second for a good one. */
export const checkTarget = {
  name: "onnx-check",
  kind: "onnx",
  share: 0.001,
  rate: 50,
  make,
  run: (bytes) => train.checkModel(bytes, { externalData: scratchFolder, threads: 1 }),
};
