import type { TiedWeights } from "@pixelcal/graph";
import type { FurtherInputs } from "../model/further-inputs.js";
import type { NamedRegion } from "../model/region-heads.js";
import type { AugmentConfig } from "./augmentation.js";
import type { LossConfig } from "./loss.js";
import type { PreparationConfig } from "./preparation.js";

/** A network of this package, with fresh weights. */
export interface BuiltModelConfig {
  /** The authors' U-Nets, or nnU-Net's of the plain and the residual kind. */
  readonly arch: "unet2d" | "unet3d" | "plain2d" | "plain3d" | "residual2d" | "residual3d";
  readonly in_channels: number;
  readonly num_classes: number;
  readonly base: number;
  /** Whether coarser levels have heads of their own in training. */
  readonly deep_supervision?: boolean;
  /** The stride of every stage but the first, per spatial axis. */
  readonly strides?: readonly (readonly number[])[];
  /** The kernel size of every stage, per spatial axis. */
  readonly kernels?: readonly (readonly number[])[];
  /** The number of encoder blocks of every stage. */
  readonly blocks?: readonly number[];
}

/** An ONNX file to fine-tune; the keys mean what they do in `TrainerOptions`. */
export interface OnnxModelConfig {
  readonly onnx: string;
  /** Weight in the loss by output, the first being the prediction; needed where there are several. */
  readonly outputs?: Readonly<Record<string, number>>;
  readonly class_axis?: number;
  readonly channel_axis?: number;
  readonly channels?: "repeat";
  readonly inputs?: FurtherInputs;
  readonly tied_weights?: TiedWeights;
}

/**
 * A resolved training configuration, every default filled in. It keeps the spelling of the configuration
 * file, so that a run's `config.json` is itself a configuration that `parseConfig` accepts and returns
 * unchanged.
 */
export interface TrainConfig {
  readonly run_name: string;
  readonly seed: number;
  /**
   * Networks that are trained one after another, from the seeds `seed`, `seed` + 1 and so on; the model
   * predicts the mean of their probabilities. One by default.
   */
  readonly members?: number;
  /**
   * `reference` follows the authors' repository; `consistent` takes every loss as its own authors define it.
   */
  readonly preset: "reference" | "consistent";
  readonly loss: LossConfig;
  /** A loss that takes over for the last `share` of the epochs; `finishEpoch` says from which on. */
  readonly finish?: { readonly loss: LossConfig; readonly share: number };
  /** `ignore` is the label of pixels without ground truth, which count nowhere; the loss has the same. */
  readonly dataset: {
    readonly name?: string;
    readonly root: string;
    readonly ignore?: number;
    /**
     * Regions of labels, which may overlap: the network has a sigmoid head for each instead of a softmax over
     * classes, and the loss is the mean over the regions of its form for two classes. Regions without labels
     * have a mask each in the cases' label arrays [regions, ...spatial].
     */
    readonly regions?: readonly NamedRegion[];
    /** The label that each region's head writes into label maps, later ones over earlier ones. */
    readonly regions_class_order?: readonly number[];
    /** The fold that validates, or all cases for both; the data set's own split by default. */
    readonly fold?: number | "all";
  };
  readonly model: BuiltModelConfig | OnnxModelConfig;
  readonly batch_size: number;
  /**
   * Cases left over after the last whole batch: a smaller batch (`keep`), none (`drop`) or a whole batch
   * filled up from the epoch's first (`wrap`). By default `keep` if the network can train that batch.
   */
  readonly remainder?: "keep" | "drop" | "wrap";
  /** The number of batches to prefetch, with their targets. */
  readonly num_workers: number;
  readonly epochs: number;
  /**
   * AdamW, or SGD with momentum, whose defaults are nnU-Net's; `decay` says whether weight decay also
   * touches biases and normalisation parameters, `groups` gives parameters whose names match a pattern
   * another rate.
   */
  readonly optim: {
    readonly name?: "adamw" | "sgd";
    readonly lr: number;
    readonly weight_decay: number;
    readonly decay: "all" | "weights";
    /** These two are SGD's. */
    readonly momentum?: number;
    readonly nesterov?: boolean;
    readonly groups?: readonly { readonly match: readonly string[]; readonly lr: number }[];
  };
  /**
   * `cosine` goes from `optim.lr` to `minimum` of it (0) over `epochs`, stepped after each epoch, and
   * `poly` to 0 by (1 - epoch / epochs)^`power` (0.9); `warmup` epochs rise first, or the first
   * `warmup_steps` updates.
   */
  readonly scheduler: {
    readonly type: "cosine" | "poly" | "constant";
    readonly warmup?: number;
    readonly warmup_steps?: number;
    readonly minimum?: number;
    readonly power?: number;
  };
  /** The parameters to train, all by default; the others keep their values. */
  readonly trainable?: {
    readonly include?: readonly string[];
    readonly exclude?: readonly string[];
    readonly last_layers?: number;
    readonly only?: "norms";
  };
  readonly batch_norm?: "update" | "frozen";
  /** Batches whose gradients make one update. */
  readonly accumulate?: number;
  /** Decay of moving averages of the weights, which are then validated and exported. */
  readonly ema?: number;
  /** Epochs without improvement after which training stops. */
  readonly patience?: number;
  /** Whether a TensorBoard event file is written to the run's folder. */
  readonly tensorboard?: boolean;
  /** Minutes after which a checkpoint is written inside an epoch; after every epoch alone without it. */
  readonly checkpoint_minutes?: number;
  /**
   * The way from stored images to those that the network takes, which travels with it. One
   * normalisation is for all channels. A run records it with the numbers of its training split.
   */
  readonly preparation?: PreparationConfig;
  /** Random changes of the items to train with. */
  readonly augment: AugmentConfig;
  /**
   * Patches to cut from the cases to train with, as `PatchOptions` of a loader: `per_epoch` of them (one of
   * each case), a share `foreground` (0) of them around a foreground pixel. Validation takes whole cases.
   */
  readonly patches?: {
    readonly size: readonly number[];
    readonly per_epoch?: number;
    readonly foreground?: number;
  };
  /** Whether a trained run predicts the mean over mirror images, along the axes that training mirrors. */
  readonly infer?: { readonly flips: boolean };
  readonly device: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
  readonly clip_norm?: number;
  /** The criterion of the `best` epoch on the validation split. */
  readonly selection: "loss" | "dice" | "ece" | "pece" | "nll";
  /** The decay of a moving average of the criterion over the epochs; 0 by default, nnU-Net has 0.9. */
  readonly selection_ema?: number;
}
