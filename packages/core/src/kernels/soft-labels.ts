import type { SoftLabelsOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import {
  checkChoice,
  checkClasses,
  checkIgnore,
  checkInteger,
  checkLabels,
  checkOut,
  checkPositive,
  checkTensor,
} from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";
import {
  checkMorphology,
  type MorphologyOp,
  type MorphologySpec,
  morphologySpecNames,
} from "./morphology.js";
import {
  boxWindow,
  gaussianWindow,
  integratedGaussianWindow,
  svlsWindow,
  type Window,
} from "./soft-label-windows.js";

export type SoftLabelKernel =
  | "mean"
  | "max"
  | "min"
  | "median"
  | "mode"
  | "gaussian"
  | "gradient"
  | "bilateral"
  | "image-l1"
  | "image-l2";

export type SoftLabelPreset = "original" | "monai" | "svls" | "reference" | "consistent";

export interface SoftLabelsOptions extends DeviceOption, KeepOption {
  readonly classes: number;
  /**
   * Whose definition (default "original"):
   *
   * - `original`: NACL (Murugesan et al., MICCAI 2023). Kernels: `mean`, the class frequencies in the window
   *   (default); `max`, `min`, `median`, `mode`, one-hot of that order statistic of the window's class
   *   indices (mode: ties to the smallest); `gaussian`, the window of SVLS with a replicated border;
   *   `gradient`, `bilateral`, `image-l1`, `image-l2`, weighted by differences of `image`. Outside the image
   *   lies class 0 (and image 0). Slice by slice.
   * - `monai`: MONAI's NACLLoss. `mean` and `gaussian` (integrated, to 4 sigma, whatever the `size`) with the
   *   weight outside the image lost, so that a border pixel sums to less than 1. All spatial dimensions.
   * - `svls`: spatially varying label smoothing, half the weight on the pixel, half on its Gaussian
   *   neighbours, replicated border (kernel `gaussian`). All spatial dimensions.
   * - `reference`: the SDC repository's adaptive target: `morphology` of every class mask, then `mean`
   *   (default) or `gaussian` with OpenCV's mirrored border, `max`, `min` or `mode` (at least half the
   *   window) per class; `bilateral`, which there changes nothing; divided by max(sum over classes, 1e-6).
   *   Slice by slice.
   * - `consistent`: the corrected target: the hard label outside the boundary band, the neighbourhood's class
   *   frequencies (`mean`; or the SVLS `gaussian`) inside it, replicated border; sums to 1. The band is where
   *   the window holds more than one class; with `morphology` only where the operation changes a class mask
   *   or, for gradients, is set. All spatial dimensions.
   */
  readonly preset?: SoftLabelPreset;
  readonly kernel?: SoftLabelKernel;
  /**
   * The side of the window, odd; default 3, or 2 radius iterations + 1 for `consistent` with a morphology.
   */
  readonly size?: number;
  /** The standard deviation of Gaussian windows, in pixels; default 1. */
  readonly sigma?: number;
  /**
   * The operation on each class's mask before the window; default "none". Under `original` and `svls` the
   * targets are then divided by their sum over classes (except for `gradient` and `bilateral`, which give no
   * distributions), and a pixel left without any class keeps its hard label.
   */
  readonly morphology?: MorphologyOp | "none" | MorphologySpec;
  /**
   * The pixels outside the image, overriding the preset. Not for `monai`, `reference` and the kernels that
   * read the image.
   */
  readonly border?: "background" | "zero" | "replicate" | "reflect101";
  /**
   * The image, `[N, ...spatial]` or `[N, 1, ...spatial]`; required by the kernels that read it, ignored by
   * the others.
   */
  readonly image?: Tensor<"float32">;
  /**
   * The number of trailing dimensions the window and the morphology span; 2 treats a volume slice by slice.
   * Default by preset.
   */
  readonly dimensions?: 1 | 2 | 3;
  /**
   * The label of pixels that count in no window (the other weights make up for them) and have an all-zero
   * target. Under `reference` such pixels only lack a class.
   */
  readonly ignore?: number;
  readonly out?: Tensor<"float32">;
}

const names = optionNames<SoftLabelsOptions>({
  device: true,
  signal: true,
  keep: true,
  classes: true,
  preset: true,
  kernel: true,
  size: true,
  sigma: true,
  morphology: true,
  border: true,
  image: true,
  dimensions: true,
  ignore: true,
  out: true,
});

/**
 * Computes soft targets `[N, classes, ...spatial]` from the labels (and for some kernels the image) around
 * each pixel. Throws on a label outside [0, classes) that is not `ignore`.
 */
export async function softLabels(labels: Labels, options: SoftLabelsOptions): Promise<Tensor<"float32">> {
  const { request, dims } = softLabelsRequest(labels, options);
  return resultTensor("float32", dims, await call(native.softLabels, request, options.signal));
}

/** Runs {@link softLabels} on the calling thread. */
export function softLabelsSync(labels: Labels, options: SoftLabelsOptions): Tensor<"float32"> {
  const { request, dims } = softLabelsRequest(labels, options);
  return resultTensor(
    "float32",
    dims,
    callSync(() => native.softLabelsSync(request)),
  );
}

type Aggregation = NativeOptions["aggregation"];
type Border = NativeOptions["windowBorder"];

/** The native kernel and window that a preset uses for one of its kernels. */
interface Rule {
  readonly aggregation: Aggregation;
  readonly border: Border;
  readonly window: (size: number, sigma: number, dimensions: number) => Window;
}

const readsImage: readonly string[] = ["gradient", "bilateral", "image-l1", "image-l2"];
const rule = (aggregation: Aggregation, border: Border, window: Rule["window"] = boxWindow): Rule => ({
  aggregation,
  border,
  window,
});
const svls: Rule = rule("weighted", "replicate", svlsWindow);

const presets: Readonly<Record<SoftLabelPreset, Readonly<Record<string, Rule>>>> = {
  original: {
    mean: rule("weighted", "background"),
    max: rule("largest", "background"),
    min: rule("smallest", "background"),
    median: rule("median", "background"),
    mode: rule("mode", "background"),
    gaussian: svls,
    gradient: rule("gradient", "background"),
    bilateral: rule("bilateral", "background", gaussianWindow),
    "image-l1": rule("image-l1", "background"),
    "image-l2": rule("image-l2", "background"),
  },
  monai: {
    mean: rule("weighted", "zero"),
    gaussian: rule("weighted", "zero", (_, sigma) => integratedGaussianWindow(sigma)),
  },
  svls: { gaussian: svls },
  reference: {
    mean: rule("weighted", "reflect101"),
    gaussian: rule("weighted", "reflect101", gaussianWindow),
    max: rule("any", "replicate"),
    min: rule("all", "replicate"),
    mode: rule("majority", "replicate"),
    // OpenCV's bilateral filter of a 0/255 mask with these settings returns the mask.
    bilateral: rule("weighted", "replicate", () => ({ taps: [1] })),
  },
  consistent: { mean: rule("weighted", "replicate"), gaussian: svls },
};

/** @internal */
export function softLabelsRequest(
  labels: Labels,
  options: SoftLabelsOptions,
): { request: NativeOptions; dims: readonly number[] } {
  checkOptions("options", options, names);
  checkCall(options);
  checkLabels(labels);
  const { classes, preset = "original", sigma = 1, border, ignore, out } = options;
  checkClasses(classes);
  checkChoice("preset", preset, Object.keys(presets));
  const kernels = presets[preset];
  const kernel = options.kernel ?? Object.keys(kernels)[0]!;
  checkChoice("kernel", kernel, Object.keys(kernels));
  const { aggregation, border: ownBorder, window } = kernels[kernel]!;

  const [batch, ...spatial] = labels.dims as [number, ...number[]];
  const sliced = preset === "original" || preset === "reference";
  const dimensions = options.dimensions ?? (sliced ? Math.min(2, spatial.length) : spatial.length);
  checkInteger("dimensions", dimensions, 1, spatial.length);
  const morphology = morphologySpec(options.morphology);
  if (morphology && preset === "monai")
    throw new InvalidArgumentError("morphology", 'morphology: not supported with preset "monai"');
  const band = preset === "consistent" && morphology !== undefined;
  const size = options.size ?? (band ? 2 * (morphology.radius ?? 1) * (morphology.iterations ?? 1) + 1 : 3);
  checkInteger("size", size, window === svlsWindow ? 3 : 1, 255);
  if (size % 2 === 0) throw invalidArgument("size", "an odd number", size);
  checkPositive("sigma", sigma);
  if (border !== undefined) {
    checkChoice("border", border, ["background", "zero", "replicate", "reflect101"]);
    const fixed = preset === "monai" || preset === "reference" || readsImage.includes(kernel);
    if (fixed)
      throw new InvalidArgumentError(
        "border",
        `border: not supported with preset "${preset}" and kernel "${kernel}"`,
      );
  }
  checkIgnore(ignore);
  const image =
    preset === "original" && readsImage.includes(kernel)
      ? imageData(options.image, labels, kernel)
      : undefined;
  const dims = [batch, classes, ...spatial];
  checkOut(out, "float32", dims);
  const distribution = kernel !== "gradient" && kernel !== "bilateral";
  return {
    dims,
    request: {
      ...morphology,
      ...window(size, sigma, dimensions),
      labels: arrayOf<"uint8" | "int32" | "int64">(labels),
      device: options.device,
      keep: options.keep,
      image,
      batch,
      size: spatial,
      classes,
      aggregation,
      dimensions,
      windowBorder: border ?? ownBorder,
      normalization:
        preset === "reference" ? "classes" : morphology && !band && distribution ? "labels" : "window",
      band,
      ignore,
      out: out?.data,
    },
  };
}

function morphologySpec(morphology: SoftLabelsOptions["morphology"]): MorphologySpec | undefined {
  if (morphology === undefined || morphology === "none") return undefined;
  if (typeof morphology !== "string" && (typeof morphology !== "object" || morphology === null)) {
    throw invalidArgument("morphology", "an operation or an object with op", morphology);
  }
  const spec = typeof morphology === "string" ? { op: morphology } : morphology;
  checkOptions("morphology", spec, morphologySpecNames);
  checkMorphology(spec, "morphology.");
  const { op, structure, radius, iterations, border } = spec;
  return { op, structure, radius, iterations, border };
}

function imageData(image: Tensor<"float32"> | undefined, labels: Labels, kernel: string): Float32Array {
  if (image === undefined) throw new InvalidArgumentError("image", `image: required by kernel "${kernel}"`);
  const [batch, ...spatial] = labels.dims;
  const plain = [batch, ...spatial].join(", ");
  const channel = [batch, 1, ...spatial].join(", ");
  checkTensor("image", image, ["float32"], [labels.dims.length, labels.dims.length + 1]);
  if (![plain, channel].includes(image.dims.join(", "))) {
    throw invalidArgument("image", `dims [${plain}] or [${channel}]`, image.dims);
  }
  return arrayOf(image);
}
