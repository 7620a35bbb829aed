// The public types of @pixelcal/core, as a strict user sees them. Compiled, never run;
// an expected error must be one.
import {
  type ArraySource,
  argMax,
  asImage,
  asLabels,
  type CalibrationBins,
  CalibrationMetric,
  type CallEvent,
  type CaseStatistics,
  calibrationBins,
  type DataType,
  type Device,
  detach,
  devices,
  distanceTransform,
  distanceTransformSync,
  expectedCalibrationError,
  kernelEnvironment,
  type Labels,
  type Metric,
  MetricGroup,
  type MetricJson,
  OverlapMetric,
  type Probabilities,
  type QueueState,
  queueState,
  reshape,
  setConcurrency,
  signedDistance,
  surfaceDistances,
  type Tensor,
  tensor,
} from "@pixelcal/core";

const probs: Tensor<"float32"> = tensor("float32", new Float32Array(8), [1, 2, 2, 2]);
const mask: Tensor<"uint8"> = tensor("uint8", new Uint8Array(4), [1, 2, 2]);
// @ts-expect-error float32 is not held by a Uint8Array
tensor("float32", new Uint8Array(4), [4]);
// @ts-expect-error no such data type
tensor("float128", new Float32Array(4), [4]);

// The type of a tensor narrows its data.
function bytesOf(any: Tensor): Uint8Array | undefined {
  if (any.type === "uint8") return any.data;
  // @ts-expect-error other data is no Uint8Array
  return any.data;
}
// @ts-expect-error uint8 is not held by a Float32Array
const mixed: Tensor = { type: "uint8", dims: [4], data: new Float32Array(4) };
const several: Tensor<"uint8" | "int32"> = mask;
const flat: Tensor<"float32"> = reshape(probs, [8]);
const moved: Tensor<"float32"> = await detach(probs);

const source: ArraySource = Buffer.alloc(4);
const image: Tensor<"float32"> = await asImage(source, { dims: [2, 2, 1], channels: "last", scale: 1 / 255 });
const given: Labels = await asLabels([[0, 1]], { batch: true });
// @ts-expect-error unknown option
await asLabels(source, { shape: [2, 2] });

const either: Probabilities = probs;
const labels: Labels = mask;
// @ts-expect-error labels are integers
const wrong: Labels = probs;

const bins: CalibrationBins = await calibrationBins(either, labels, { bins: 15, of: "top-label" });
const ece: number = expectedCalibrationError(bins);
// @ts-expect-error unknown option
await calibrationBins(either, labels, { bin: 15 });
// @ts-expect-error no such group
await calibrationBins(either, labels, { of: "pixels" });

const distances: Tensor<"float32"> = await distanceTransform(mask, { spacing: [0.5, 2] });
const now: Tensor<"float32"> = distanceTransformSync(mask);
const signed: Tensor<"float32"> = await signedDistance(labels, { classes: 2 });
// @ts-expect-error the class count is needed
await signedDistance(labels, {});
const hd95: number = (await surfaceDistances(mask, mask))[0]!.hd95;

const metric = new CalibrationMetric({ classes: 2 });
const stream: Metric<unknown> = metric;
const restored: CalibrationMetric = CalibrationMetric.restore(metric.state());
const json: MetricJson = metric.toJSON();
const parsed: CalibrationMetric = CalibrationMetric.fromJSON(json);
// @ts-expect-error metrics of different classes do not merge
metric.merge({} as OverlapMetric);

const group = new MetricGroup({ bins: metric, overlap: new OverlapMetric({ classes: 2 }) });
await group.update(probs, labels, { spacing: [1, 1], signal: AbortSignal.timeout(1) });
const grouped: number = group.compute().bins.expected + group.compute().overlap.cases;
// @ts-expect-error the group has no such metric
group.compute().surfaces;
// @ts-expect-error a signal, not its controller
await argMax(probs, { signal: new AbortController() });
setConcurrency(1);
const { waiting }: QueueState = queueState();
const outcome = ({ name, outcome }: CallEvent): string => `${name} ${outcome === "aborted"}`;

const predicted: Tensor<"uint8"> | Tensor<"int32"> = await argMax(probs);
const device: Device | undefined = devices()[0];
const statistics = (of: CaseStatistics): number => of.mean + of.undefined;
const types: DataType = probs.type;
const found: { version: string; cudaProblem?: string } = kernelEnvironment();

export {
  bytesOf,
  device,
  distances,
  ece,
  flat,
  found,
  given,
  grouped,
  hd95,
  image,
  mixed,
  moved,
  now,
  outcome,
  parsed,
  predicted,
  restored,
  several,
  signed,
  statistics,
  stream,
  types,
  waiting,
  wrong,
};
