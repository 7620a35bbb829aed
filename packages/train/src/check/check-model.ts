import { checkOptions, optionNames } from "@pixelcal/core";
import {
  type Graph,
  inspectModel,
  type ModelFacts,
  modelOperators,
  OnnxFile,
  type OperatorUse,
  UnsupportedOpError,
} from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { type FusedCalibrator, fusedCalibrator } from "../calibrate/fuse.js";
import { type CanonicalOptions, canonicalNames, logitsBehind } from "../model/canonical.js";
import { carriedReading, type Reading, withCarriedReading } from "../model/carried-reading.js";
import { imageSize, mainOutput } from "../model/declared-image.js";
import type { Activation } from "../model/find-logits.js";
import { rolesOf } from "../model/image-and-logits.js";
import { declaredChannels, isMultiLabel, passThrough } from "../model/pass-through.js";
import { type FileOptions, modelSource, parsedModel } from "../model/source.js";
import { unstacked } from "../model/stacked-outputs.js";
import { trainDevices } from "../runtime/session.js";
import { buildInferenceGraph, buildStepGraph } from "../trainer/step-graph.js";
import { lastAxes } from "./channels-last.js";
import { networkDeviceProblem } from "./device-trial.js";
import { peakBytes } from "./peak-memory.js";
import { messageOf, type ProviderReport, tryPrediction, tryProvider } from "./try-provider.js";

export interface CheckOptions extends CanonicalOptions, FileOptions {
  /** Dims [N, C, ...spatial] to lay the model out for; what it declares by default, open sizes filled in. */
  readonly dims?: readonly number[];
  readonly threads?: number;
}

const names = optionNames<CheckOptions>({
  dims: true,
  threads: true,
  ...canonicalNames,
  externalData: true,
  tiedWeights: true,
});

export interface ModelReport {
  readonly facts: ModelFacts;
  readonly operators: readonly OperatorUse[];
  /** Dims [N, C, ...spatial] it was laid out for, and whether sizes were chosen for it. */
  readonly dims: readonly number[];
  readonly chosenSizes: boolean;
  /** The axes of the classes and the channels that were found, if they are not the usual ones nor given. */
  readonly found?: Pick<CanonicalOptions, "classAxis" | "channelAxis">;
  /** The reading that the file carries, which options override. */
  readonly carried?: Reading;
  /** Operators that cannot be read, or have no gradient on the way from the weights to the output. */
  readonly unsupported: readonly string[];
  readonly withoutGradient: readonly string[];
  readonly logits: readonly {
    readonly output: string;
    readonly place: string;
    readonly activation: Activation;
    /**
     * Whether its channels are labels that may overlap: sigmoids of their own, which cannot be trained yet.
     */
    readonly multiLabel: boolean;
  }[];
  /** The calibrator that was fused into it. */
  readonly calibrator?: FusedCalibrator;
  /** Arrays that can be trained and running statistics. */
  readonly parameters?: {
    readonly arrays: number;
    readonly elements: number;
    readonly buffers: number;
    /** Arrays that several layers share, which are therefore trained as one. */
    readonly tied: readonly { readonly name: string; readonly layers: readonly string[] }[];
  };
  readonly classes?: number;
  /** Bytes of the arrays alive at once in a prediction and in a training step, computed from their graphs. */
  readonly memory?: { readonly predict: number; readonly train: number };
  /** Whether the runtime predicts with the file as it is, as no graph can be made of it. */
  readonly passThrough?: boolean;
  readonly providers: readonly ProviderReport[];
  readonly problems: readonly string[];
  readonly trainable: boolean;
}

/**
 * Finds out what an ONNX file is and whether it can be trained, by trying. Throws GraphError where it is no
 * ONNX file.
 */
export async function checkModel(
  model: Uint8Array | OnnxFile,
  given: CheckOptions = {},
): Promise<ModelReport> {
  checkOptions("options", given, names);
  const file = OnnxFile.of(model);
  const facts = inspectModel(file);
  const carried = carriedReading(file);
  const reading = withCarriedReading(file, given);
  const layout = lastAxes(file, facts, reading);
  const options = { ...reading, ...layout };
  const problems: string[] = [];
  const { operators } = modelOperators(file);
  const unsupported = operators.filter(({ known }) => !known).map(({ name }) => name);
  const calibrator = fusedCalibrator(file);
  let { dims = [] } = options;
  let chosenSizes = false;
  const report = (found: Partial<ModelReport>): ModelReport => ({
    facts,
    ...(layout && { found: layout }),
    ...(carried && { carried }),
    ...(calibrator && { calibrator }),
    operators,
    unsupported,
    dims,
    chosenSizes,
    withoutGradient: [],
    logits: [],
    providers: [],
    problems,
    trainable: false,
    ...found,
  });
  let parsed: Graph;
  try {
    if (options.dims === undefined) ({ dims, chosen: chosenSizes } = imageSize(facts.inputs, options));
    const stored = passThrough(file, options);
    if (stored !== undefined) {
      const { output, logits: place = "a value of 8 bits", activation, reason } = stored;
      const multiLabel = isMultiLabel(stored, options);
      problems.push(reason);
      const provider = await tryPrediction(file, dims, options, reason);
      return report({
        passThrough: provider.predicts,
        logits: [{ output: output.name, place, activation, multiLabel }],
        classes: Math.max(2, declaredChannels(stored, options)),
        providers: [provider],
      });
    }
    parsed = unstacked(parsedModel(file, dims, options));
  } catch (error) {
    problems.push(messageOf(error));
    const withoutGradient = operators.filter(({ known, gradient }) => known && !gradient);
    return report({ withoutGradient: withoutGradient.map(({ name }) => name) });
  }
  const logits = [...parsed.outputs].map(([output, value]) => {
    const { logits: found, activation } = logitsBehind(value);
    const channels = value.dims.at(options.classAxis ?? 1) ?? 1;
    return { output, place: found.name, activation, multiLabel: activation === "sigmoid" && channels > 1 };
  });
  try {
    const outputs = options.outputs ?? [mainOutput(parsed, dims, options)];
    const { dims: _, ...rest } = options;
    const ends = { ...rest, outputs };
    const model = modelSource(file, ends)(dims);
    const { parameters, buffers } = rolesOf(model);
    const elements = parameters.reduce((sum, name) => sum + model.initializers.get(name)!.data.length, 0);
    const tied = parameters
      .map((name) => ({ name, layers: layersOf(parsed, name) }))
      .filter(({ layers }) => layers.length > 1);
    const summary = { arrays: parameters.length, elements, buffers: buffers.length, tied };
    const classes = [...model.outputs.values()][0]!.dims[1]!;
    const step = buildStepGraph(model, {
      loss: crossEntropy(),
      trainable: parameters,
      weights: outputs.map(() => 1),
    });
    const memory = { predict: peakBytes(buildInferenceGraph(model)), train: peakBytes(step) };
    const providers: ProviderReport[] = [];
    for (const device of trainDevices) {
      // A device that runs no network at all is not tried in this process, whose stderr its driver would use.
      const problem = device === "cpu" ? undefined : await networkDeviceProblem(device);
      if (problem !== undefined) providers.push({ device, predicts: false, trains: false, problem });
      else providers.push(await tryProvider(device, file, model, dims, ends));
    }
    const trainable = providers.some(({ trains }) => trains);
    if (!trainable) problems.push(providers[0]!.problem ?? "no provider trains it");
    return report({ logits, parameters: summary, classes, memory, providers, trainable });
  } catch (error) {
    problems.push(messageOf(error));
    const withoutGradient = error instanceof UnsupportedOpError ? error.opTypes : [];
    return report({ logits, withoutGradient });
  }
}

/** Returns the nodes that take an array. */
const layersOf = (model: Graph, name: string): readonly string[] =>
  model.nodes.filter(({ inputs }) => inputs.some((input) => input?.name === name)).map((node) => node.name);
