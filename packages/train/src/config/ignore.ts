import { losses, type NamedLoss } from "@pixelcal/losses";
import { ConfigError } from "./errors.js";
import type { LossConfig } from "./loss.js";

/** A loss of a configuration and the path of its section. */
interface Part {
  readonly path: string;
  readonly loss: NamedLoss;
}

/**
 * Makes the data set and the loss at `path` (each part of a weighted one) ignore the same label, given in
 * either place. Throws `ConfigError` where two places disagree, and for a loss that counts every pixel.
 */
export function shareIgnore(
  loss: LossConfig,
  dataset: number | undefined,
  path = "loss",
): { readonly loss: LossConfig; readonly ignore: number | undefined } {
  const parts = partsOf(path, loss);
  const given = parts.find((part) => part.loss.ignore !== undefined);
  const ignore = dataset ?? (given?.loss.ignore as number | undefined);
  if (ignore === undefined) return { loss, ignore };
  const place = dataset === undefined ? `${given!.path}.ignore` : "dataset.ignore";
  const problems = parts.flatMap((part) => {
    const own = part.loss.ignore;
    if (own !== undefined && own !== ignore)
      return [`${part.path}.ignore: expected ${ignore} as in ${place}, got ${String(own)}`];
    if (own === undefined && dataset === undefined)
      return [`${part.path}.ignore: missing; expected ${ignore} as in ${place}; dataset.ignore sets all`];
    return canIgnore(part.loss) ? [] : [cannot(place, part.loss)];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { loss: withIgnore(loss, ignore), ignore };
}

const isWeighted = (loss: NamedLoss): boolean => loss.name === "weighted";

/** Returns the parts of a weighted loss; `lossOfSection` has checked them. */
const weightedParts = (loss: NamedLoss): readonly { readonly loss: NamedLoss }[] =>
  loss.losses as readonly { readonly loss: NamedLoss }[];

function partsOf(path: string, loss: NamedLoss): readonly Part[] {
  if (!isWeighted(loss)) return [{ path, loss }];
  return weightedParts(loss).flatMap((part, i) => partsOf(`${path}.losses[${i}].loss`, part.loss));
}

/** Returns a loss, or every part of a weighted one, with the label to ignore. */
export function withIgnore<L extends NamedLoss>(loss: L, ignore: number): L {
  if (!isWeighted(loss)) return { ...loss, ignore };
  return {
    ...loss,
    losses: weightedParts(loss).map((part) => ({ ...part, loss: withIgnore(part.loss, ignore) })),
  };
}

/** Returns the preset of a loss, or its variant where it has variants instead. */
function presetOf({ name, preset, variant }: NamedLoss): string {
  const { presets } = losses[name]!;
  return [variant, preset].map(String).find((one) => Object.hasOwn(presets, one)) ?? Object.keys(presets)[0]!;
}

const canIgnore = (loss: NamedLoss): boolean =>
  Object.hasOwn(losses[loss.name]!.presets[presetOf(loss)]!, "ignore");

function cannot(place: string, loss: NamedLoss): string {
  const others = Object.entries(losses[loss.name]!.presets).filter(([, options]) => "ignore" in options);
  const advice =
    others.length === 0 ? "" : `; preset ${others.map(([name]) => name).join(" or ")} can leave some out`;
  return `${place}: ${loss.name} (preset ${presetOf(loss)}) counts every pixel${advice}`;
}
