import { type SignedDistanceOptions, signedDistance, type Tensor } from "@pixelcal/core";

/**
 * Returns signed distances in which ignored pixels belong to no class: they are a class of their own, left
 * out at the end.
 */
export async function distancesOf(
  labels: Tensor<"int32">,
  options: SignedDistanceOptions,
  ignore: number | undefined,
): Promise<Tensor<"float32">> {
  if (ignore === undefined || !labels.data.includes(ignore)) return signedDistance(labels, options);
  const { classes } = options;
  const data = labels.data.map((label) => (label === ignore ? classes : label));
  const all = await signedDistance({ ...labels, data }, { ...options, classes: classes + 1 });
  const [batch = 0, ...spatial] = labels.dims;
  const kept = new Float32Array((all.data.length / (classes + 1)) * classes);
  const stride = kept.length / batch;
  for (let n = 0; n < batch; n++) {
    const start = (n * all.data.length) / batch;
    kept.set(all.data.subarray(start, start + stride), n * stride);
  }
  return { type: "float32", data: kept, dims: [batch, classes, ...spatial] };
}
