import type { Tensor } from "@pixelcal/core";
import { FormatError } from "../errors.js";
import { decodeNpy, readNpy } from "../npy.js";
import { npzNames, readNpz } from "../npz.js";
import { noGeometry, plainGrid } from "./plain-grid.js";
import { hasEnding, type VolumeSource } from "./source.js";
import type { ReadSettings, Volume, VolumeReader } from "./volume.js";

/** Reads [z, y, x], or [channels, z, y, x] with four axes: NumPy's last axis is the fastest. */
function volumeOf(path: string, key: string | undefined, format: string, tensor: Tensor): Volume {
  const { type, dims, data } = tensor;
  if (dims.length < 1 || dims.length > 4)
    throw new FormatError(
      path,
      key,
      `expected 1 to 3 axes of space, or channels before three, got [${dims}]`,
    );
  const channels = dims.length === 4 ? dims[0]! : 1;
  const shape = dims.slice(dims.length === 4 ? 1 : 0).reverse();
  const empty = dims.includes(0) ? ["the array holds no voxels"] : [];
  return {
    format,
    type,
    data,
    ...plainGrid(shape),
    ...(channels > 1 ? { channels } : {}),
    units: "unknown",
    notes: ["no spacing is given; 1 is assumed", noGeometry, ...empty],
  };
}

const allBytes = async ({ bytes }: VolumeSource): Promise<Uint8Array> =>
  new Uint8Array(await bytes.read(0, bytes.size));

export const npyReader: VolumeReader = {
  name: "NPY",
  sniff(bytes, path) {
    if (Buffer.from(bytes.subarray(0, 6)).toString("latin1") === "\x93NUMPY") return "magic";
    return hasEnding(path, [".npy"]) ? "ending" : undefined;
  },
  async read(source, { limits }) {
    const { path, onDisk } = source;
    const tensor = onDisk ? await readNpy(path, limits) : decodeNpy(await allBytes(source), { path }, limits);
    return volumeOf(path, undefined, "NPY", tensor);
  },
};

export const npzReader: VolumeReader = {
  name: "NPZ",
  sniff(bytes, path) {
    const start = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
    if (start === "PK\x03\x04" || start === "PK\x05\x06") return "magic";
    return hasEnding(path, [".npz"]) ? "ending" : undefined;
  },
  async read(source, settings: ReadSettings) {
    const { path, onDisk } = source;
    const { limits } = settings;
    const archive = onDisk ? path : await allBytes(source);
    const names = await npzNames(archive, { ...limits, source: path });
    const key = settings.key ?? (names.length === 1 ? names[0]! : undefined);
    if (key === undefined || !names.includes(key)) {
      const held = names.length === 0 ? "no arrays" : names.slice(0, 20).join(", ");
      throw new FormatError(path, settings.key, `holds ${held}; name one of them by "key"`);
    }
    const arrays = await readNpz(archive, { ...limits, source: path, keys: [key] });
    return volumeOf(path, key, "NPZ", arrays[key]!);
  },
};
