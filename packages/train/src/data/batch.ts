import {
  type DataType,
  elementCount,
  invalidArgument,
  sameDims,
  type Tensor,
  tensor,
  zeros,
} from "@pixelcal/core";
import type { LabelRange } from "@pixelcal/losses";
import type { Dataset, DatasetCase, Window } from "./dataset-case.js";
import { identity, place, type Transform } from "./transforms.js";

/** Cases stacked along a first axis, all of one shape. */
export interface Batch {
  /** [N, C, ...spatial] */
  readonly images: Tensor<"float32">;
  /** [N, ...spatial], as step graphs take them. */
  readonly labels: Tensor<"int32">;
  /** Numbers that the labels hold, where the data set has checked them. */
  readonly labelRange?: LabelRange;
  /** The pixel's size per spatial axis, present where all cases have it and agree. */
  readonly spacing?: readonly number[];
  /** The loss's targets, present where the loader was given a function for them. */
  readonly targets?: Readonly<Record<string, Tensor>>;
  /**
   * The numbers of images of a batch that processes share, by rank, if these images are one rank's; a share
   * of 0 counts nothing.
   */
  readonly shares?: readonly number[];
  /**
   * The part of each image that its case fills, present where a loader's `cover` reaches beyond cases: scores
   * are of that part.
   */
  readonly filled?: readonly Window[];
  /** The cases' further arrays, stacked. */
  readonly extras: Readonly<Record<string, Tensor>>;
  readonly names: readonly string[];
}

/** A case that goes into a batch, with the symmetry drawn for it. */
export interface Member {
  readonly index: number;
  readonly item: DatasetCase;
  readonly transform: Transform;
  /** The part that the case fills, where the item reaches beyond it. */
  readonly filled?: Window | undefined;
}

const sameSpacing = (a: readonly number[] | undefined, b: readonly number[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameDims(a, b));

/**
 * Throws InvalidArgumentError naming two files whose shapes differ, or a rotation between axes of different
 * size or spacing.
 */
export function checkMembers(dataset: Dataset, members: readonly Member[]): void {
  const first = members[0]!;
  for (const { index, item, transform } of members) {
    const [here, there] = [item.image.dims, first.item.image.dims];
    if (!sameDims(here, there)) {
      throw invalidArgument(
        "batch",
        `images of one shape (${dataset.source(first.index)} is [${there}])`,
        `${dataset.source(index)} of [${here}]; use a batch size of 1`,
      );
    }
    const moved = transform.from.findIndex((axis, i) => axis !== i);
    if (moved < 0) continue;
    const { dims } = item.labels;
    const fitsRotation = (sizes: readonly number[]): boolean =>
      transform.from.every((axis, i) => sizes[axis] === sizes[i]);
    if (!fitsRotation(dims) || (item.spacing && !fitsRotation(item.spacing))) {
      const spacing = item.spacing ? ` and spacing [${item.spacing}]` : "";
      throw invalidArgument(
        "augment.rotations",
        "axes of equal size and spacing",
        `${dataset.source(index)} of [${dims}]${spacing}`,
      );
    }
  }
}

/** Stacks tensors of one shape along a new first axis; those that end in the spatial dims are transformed. */
export function stack<T extends DataType>(
  tensors: readonly Tensor<T>[],
  spatial: readonly number[],
  transforms: readonly Transform[],
): Tensor<T> {
  const { type, dims } = tensors[0]!;
  const count = elementCount(dims);
  const out = zeros(type, [tensors.length, ...dims]);
  const isSpatial =
    dims.length >= spatial.length && sameDims(dims.slice(dims.length - spatial.length), spatial);
  tensors.forEach((part, i) => {
    if (part.type !== type || !sameDims(part.dims, dims)) {
      throw invalidArgument("batch", `arrays of ${type} [${dims}]`, `${part.type} [${part.dims}]`);
    }
    if (part.data.length !== count) {
      throw invalidArgument("batch", `${count} elements for dims [${dims.join(", ")}]`, part.data.length);
    }
    place(part as Tensor, out as Tensor, i * count, isSpatial ? transforms[i]! : identity(0));
  });
  return out;
}

/** Stacks labels of either type as int32: their one copy between a data set and the step. */
function stackedLabels(
  items: readonly DatasetCase[],
  spatial: readonly number[],
  transforms: readonly Transform[],
): Tensor<"int32"> {
  const count = elementCount(spatial);
  const out = zeros("int32", [items.length, ...spatial]);
  for (const [i, { labels }] of items.entries()) {
    if (!sameDims(labels.dims, spatial) || labels.data.length !== count)
      throw invalidArgument(
        "batch",
        `${count} labels [${spatial}]`,
        `${labels.data.length} [${labels.dims}]`,
      );
    place(labels, out, i * count, transforms[i]!);
  }
  return out;
}

/** Drops the first axis, of length 1, of a target computed for one case. */
export function unstack(part: Tensor): Tensor {
  if (part.dims[0] !== 1) throw invalidArgument("targets", "a first axis of 1 for one case", part.dims);
  return tensor(part.type, part.data, part.dims.slice(1));
}

/** Returns the batch of `members`, without targets. */
export function assemble(dataset: Dataset, members: readonly Member[]): Batch {
  const items = members.map(({ item }) => item);
  const transforms = members.map(({ transform }) => transform);
  const spatial = items[0]!.labels.dims;
  const { spacing } = items[0]!;
  const filled = members.map((member) => member.filled ?? { origin: spatial.map(() => 0), size: spatial });
  const extras = Object.keys(items[0]!.extras).map((name): [string, Tensor] => [
    name,
    stack(
      items.map((item) => item.extras[name]!),
      spatial,
      transforms,
    ),
  ]);
  return {
    images: stack(
      items.map(({ image }) => image),
      spatial,
      transforms,
    ),
    labels: stackedLabels(items, spatial, transforms),
    ...(dataset.labelRange && { labelRange: dataset.labelRange }),
    spacing: items.every((item) => sameSpacing(item.spacing, spacing)) ? spacing : undefined,
    ...(filled.some(({ size }) => !sameDims(size, spatial)) && { filled }),
    extras: Object.fromEntries(extras),
    names: members.map(({ index }) => dataset.names[index]!),
  };
}
