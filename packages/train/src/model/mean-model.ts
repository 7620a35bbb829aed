import { InvalidArgumentError, invalidArgument, sameDims, type Tensor } from "@pixelcal/core";
import {
  addCopy,
  Graph,
  inspectModel,
  modelMetadata,
  OnnxFile,
  ops,
  type Value,
  withMetadata,
} from "@pixelcal/graph";
import { exportModel } from "./export.js";
import { regionHeadsOf } from "./region-heads.js";
import { modelSource } from "./source.js";

/**
 * Returns one ONNX file in place of several exported networks, whose probabilities are the mean of theirs (a
 * deep ensemble, Lakshminarayanan et al., NeurIPS 2017). It takes images of the first one's dims
 * [N, C, ...spatial], carries its metadata, and ends as it does: in logits, here the logarithms of the mean
 * probabilities, or in the sigmoids of its regions. Throws `InvalidArgumentError` for networks of other
 * images or classes, and of images of any size.
 */
export function meanModel(models: readonly (Uint8Array | OnnxFile)[]): Uint8Array {
  const files = models.map((model) => OnnxFile.of(model));
  const [first] = files;
  if (first === undefined) throw new InvalidArgumentError("models", "models: needs at least one model");
  const heads = regionHeadsOf(first) !== undefined;
  const [dims, ...others] = files.map(imageDims) as [readonly number[], ...(readonly number[])[]];
  const strange = others.find((each) => !sameDims(each, dims));
  if (strange !== undefined)
    throw invalidArgument("models", `networks for images [${dims.join(", ")}]`, `[${strange.join(", ")}]`);
  const ends = heads ? { heads, onMultiLabel: () => undefined } : {};
  const sources = files.map((file) => modelSource(file, {}, ends));
  const build = (sizes: readonly number[]): Graph => {
    const graph = new Graph("mean");
    const image = graph.input("image", "float32", sizes);
    const logits = sources.map((source, k) => {
      const copied = addCopy(source(sizes), graph, { inputs: [image], prefix: `member_${k + 1}/` });
      return [...copied.values()][0]!;
    });
    const odd = logits.find((each) => !sameDims(each.dims, logits[0]!.dims));
    if (odd !== undefined)
      throw invalidArgument("models", `networks of ${logits[0]!.dims[1]} classes`, odd.dims[1]);
    if (heads) graph.output("probabilities", ops.Sigmoid(meanOfSigmoids(logits)));
    else graph.output("logits", meanOfLogarithms(logits.map((each) => ops.LogSoftmax(each, 1))));
    return graph;
  };
  const arrays: Record<string, Tensor> = Object.fromEntries(build(dims).initializers);
  return Buffer.concat(withMetadata(exportModel(build, arrays, { dims }), modelMetadata(first)));
}

/** Returns the dims of the images that a file declares, one of them where it takes any number. */
function imageDims(file: OnnxFile): readonly number[] {
  const [image] = inspectModel(file).inputs;
  const [, ...rest] = image?.dims ?? [];
  if (rest.length > 0 && rest.every((size) => typeof size === "number")) return [1, ...(rest as number[])];
  throw invalidArgument("models", "networks for images of one size", `[${image?.dims?.join(", ")}]`);
}

/** Returns the logarithm of the mean of numbers given by logarithms; finite where one of those is. */
function meanOfLogarithms(logarithms: readonly Value[]): Value {
  const largest = logarithms.reduce((a, b) => ops.Max(a, b));
  const shares = logarithms.map((each) => ops.Exp(ops.Sub(each, largest)));
  const sum = shares.reduce((a, b) => ops.Add(a, b));
  return ops.Add(largest, ops.Sub(ops.Log(sum), Math.log(logarithms.length)));
}

/** Returns the logit of the mean of sigmoids, which are given by their logits. */
function meanOfSigmoids(logits: readonly Value[]): Value {
  const [of, less] = [logits.map(ops.Neg), logits].map((each) =>
    meanOfLogarithms(each.map((x) => ops.Neg(ops.Softplus(x)))),
  );
  return ops.Sub(of!, less!);
}
