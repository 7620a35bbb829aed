import { call, native } from "../binding.js";
import { checkChoice, checkProbabilities } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { asImage } from "../kernels/as-image.js";
import { elementCount, type Probabilities, type Tensor } from "../tensor.js";
import { type CalibratorJson, calibratorJson } from "./calibrator-json.js";
import { caseCells } from "./case-cells.js";
import { checkParameters } from "./check-parameters.js";
import { type ForwardForm, forwardForm } from "./forward-form.js";
import { imageFeatures } from "./image-features.js";
import { type CalibratorName, type CalibratorParameters, labelKeepers } from "./parameters.js";
import { type Places, placesOfImage } from "./placement.js";

/** The options of {@link Calibrator.apply}. */
export interface ApplyOptions extends SignalOption {
  /**
   * Whether to return probabilities (default) or logits whose softmax they are: ln p where a method does not
   * end with a softmax.
   */
  readonly output?: "probabilities" | "logits";
}

const applyNames = optionNames<ApplyOptions>({ signal: true, output: true });

/** A fitted function from a model's logits to probabilities. */
export class Calibrator<N extends CalibratorName = CalibratorName> {
  readonly name: N;
  readonly classes: number;
  readonly parameters: CalibratorParameters[N];
  /** Whether the first largest output is always where the first largest logit is. */
  readonly keepsLabels: boolean;
  readonly #form: ForwardForm;

  /** Throws unless `parameters` are those of the calibrator `name`. */
  constructor(name: N, classes: number, parameters: CalibratorParameters[N]) {
    checkParameters(name, parameters, classes);
    this.name = name;
    this.classes = classes;
    this.parameters = parameters;
    this.#form = forwardForm(name, parameters, classes);
    this.keepsLabels = labelKeepers.has(name);
  }

  /** Applies the calibrator to logits `[N, C, ...spatial]`. */
  async apply(logits: Probabilities, options: ApplyOptions = {}): Promise<Tensor<"float32">> {
    checkOptions("options", options, applyNames);
    const { signal, output = "probabilities" } = options;
    checkSignal(signal);
    checkChoice("output", output, ["probabilities", "logits"]);
    checkProbabilities(logits, "logits");
    if (logits.dims[1] !== this.classes)
      throw invalidArgument("logits", `${this.classes} classes`, logits.dims[1]);
    const wide = await asImage(logits, { batch: true, signal });
    return applyForm(this.#form, wide, { asLogits: output === "logits", signal });
  }

  toJSON(): CalibratorJson {
    const { name, classes, parameters } = this;
    return calibratorJson({ name, classes, parameters });
  }
}

async function applyForm(
  { form, placement, layout, imageScale }: ForwardForm,
  logits: Tensor<"float32">,
  { asLogits, signal }: { asLogits: boolean; signal?: AbortSignal },
): Promise<Tensor<"float32">> {
  const [batch, classes, ...spatial] = logits.dims as [number, number, ...number[]];
  const pixels = elementCount(spatial);
  const cells = layout === undefined ? undefined : (await caseCells(logits, layout, { signal })).cells;
  const data = new Float32Array(logits.data.length);
  for (let n = 0; n < batch; n++) {
    const values = [n * classes * pixels, (n + 1) * classes * pixels] as const;
    const image = { logits: logits.data.subarray(...values), classes, pixels, size: spatial };
    const places: Places =
      cells === undefined
        ? await placesOfImage(placement, image, signal)
        : { cells: cells.subarray(n * pixels, (n + 1) * pixels) };
    const one = { type: "float32", dims: [1, classes, ...spatial], data: image.logits } as const;
    const scale = imageScale && Float64Array.of(imageScale(await imageFeatures(one, signal)));
    const request = { ...form, ...places, ...image, ...(scale && { scales: scale }), asLogits };
    await call(native.calibrate, { ...request, out: data.subarray(...values) }, signal);
  }
  return { type: "float32", dims: [...logits.dims], data };
}
