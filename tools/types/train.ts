// The public types of @pixelcal/graph, losses, io and train, as a strict user sees them. Compiled, never run.
import { type Tensor, tensor } from "@pixelcal/core";
import { Graph, gradients, ops, serializeModel, UnsupportedOpError, type Value } from "@pixelcal/graph";
import { FormatError, readCase, readNpz } from "@pixelcal/io";
import { diceCrossEntropy, type Loss, lossFromConfig, signedDistanceCalibration } from "@pixelcal/losses";
import {
  ConfigError,
  configSchema,
  type JsonSchema,
  lossAndGradient,
  Network,
  networkDeviceProblem,
  Predictor,
  PredictorError,
  type PredictorFailure,
  type PredictorHealth,
  type ProbabilityModel,
  parseConfig,
  Trainer,
  unet2d,
} from "@pixelcal/train";

const graph = new Graph("types");
const x: Value = graph.input("x", "float32", [1, 2]);
const [dx]: Value[] = gradients(ops.ReduceSum(ops.Mul(x, x)), [x]);
const bytes: Uint8Array = serializeModel(graph);
// @ts-expect-error shapes are static
graph.input("y", "float32", ["N", 2]);

const loss: Loss = signedDistanceCalibration({ preset: "consistent", alpha: 0.2 });
// @ts-expect-error unknown option
signedDistanceCalibration({ alhpa: 0.2 });
const named: Loss = lossFromConfig({ name: "dice" });

const labels = tensor("uint8", new Uint8Array(4), [1, 2, 2]);
const logits = tensor("float32", new Float32Array(8), [1, 2, 2, 2]);
const { loss: value, gradient } = await lossAndGradient(diceCrossEntropy(), logits, labels);
const sum: number = value + gradient.data[0]!;

const trainer: Trainer = await Trainer.create({
  model: unet2d({ classes: 2, base: 2 }),
  loss,
  batch: [1, 1, 8, 8],
});
const stepped: number = (await trainer.step({ images: logits, labels })).loss;
// @ts-expect-error the batch's dims are needed
await Trainer.create({ model: bytes, loss });

// Whatever predicts gives probabilities: a trainer, a network, a predictor.
const network: Network = new Network({ model: bytes, device: "cpu" });
const predicting: readonly ProbabilityModel[] = [trainer, network];
const probabilities: Float32Array = (await network.predict(logits)).data;
const raw: Float32Array = (await trainer.logits(logits)).data;

const predictor: Predictor = await Predictor.open({
  model: bytes,
  processes: 2,
  batch: { size: 8, wait: 5 },
  scaling: { factor: [1 / 255], offset: 0 },
});
const pixels: Tensor<"uint8"> = tensor("uint8", new Uint8Array(8), [1, 2, 2, 2]);
const scaled: Float32Array = (await predictor.predict(pixels, { scaling: { factor: 1 } })).data;
// @ts-expect-error int16 images have no meaning of their own
await predictor.predict(tensor("int16", new Int16Array(8), [1, 2, 2, 2]));
// @ts-expect-error the size of a batch is needed
await Predictor.open({ model: bytes, batch: { wait: 5 } });
const { state, processes, queued }: PredictorHealth = predictor.health();
const running: readonly (number | undefined)[] = processes.map(({ pid }) => pid);
const disposable: AsyncDisposable = predictor;
const code = (error: unknown): PredictorFailure | undefined =>
  error instanceof PredictorError ? error.code : undefined;
const typed = (error: unknown): boolean =>
  error instanceof FormatError || error instanceof ConfigError || error instanceof UnsupportedOpError;
const config = parseConfig({}, { runName: "run" });
const schema: JsonSchema = configSchema();
const absent: string | undefined = await networkDeviceProblem("webgpu");
// @ts-expect-error an unknown device
await networkDeviceProblem("tpu");
const image = (await readCase("case.npz")).image;
const arrays = await readNpz("case.npz", { keys: ["probs"] });
const uploaded = (await readCase(new Uint8Array(8), { source: "upload.npz" })).labels;
await readNpz(new URL("file:///case.npz"));
// @ts-expect-error numbers are no source
await readNpz(3);

export {
  absent,
  arrays,
  code,
  config,
  disposable,
  dx,
  image,
  named,
  predicting,
  predictor,
  probabilities,
  queued,
  raw,
  running,
  scaled,
  schema,
  state,
  stepped,
  sum,
  typed,
  uploaded,
};
