import { join } from "node:path";
import type { PictureCase } from "@pixelcal/evaluate";
import { FormatError, listFolder, readNpz, readVolume } from "@pixelcal/io";

type Image = NonNullable<PictureCase["image"]>;

/**
 * Returns a reader of the images in a folder, by the name of the case: NAME.npz with `image` [C, ...spatial],
 * or an image file NAME.* or NAME_0000.*, nnU-Net's first channel. A case without an image returns undefined.
 */
export async function caseImages(folder: string): Promise<(name: string) => Promise<Image | undefined>> {
  const { files } = await listFolder(folder, "expected images of the cases");
  return async (name) => {
    const file = [`${name}.npz`, `${name}_0000.`, `${name}.`]
      .map((start) => files.find((each) => each === start || (start.endsWith(".") && each.startsWith(start))))
      .find((found) => found !== undefined);
    if (file === undefined) return undefined;
    const path = join(folder, file);
    return file.endsWith(".npz") ? storedImage(path) : imageFile(path);
  };
}

async function storedImage(path: string): Promise<Image> {
  const { image } = await readNpz(path, { keys: ["image"] });
  if (!image) throw new FormatError(path, "image", "no such array in the file");
  return { dims: image.dims, data: Float32Array.from(image.data as ArrayLike<number>, Number) };
}

async function imageFile(path: string): Promise<Image> {
  const { shape, channels = 1, data } = await readVolume(path);
  return {
    dims: [channels, ...[...shape].reverse()],
    data: Float32Array.from(data as ArrayLike<number>, Number),
  };
}
