import { expect, test } from "vitest";
import { devices } from "./device.js";
import { toDevice } from "./device-tensor.js";
import { distanceTransform, distanceTransformSync } from "./kernels/distance.js";
import { signedDistance } from "./kernels/signed-distance.js";
import { tensor } from "./tensor.js";

const mask = tensor(
  "uint8",
  Uint8Array.from({ length: 600 }, (_, i) => (i * 7919) % 11 && 1),
  [2, 15, 20],
);
const cuda = { device: "cuda" } as const;

test.skipIf(devices().includes("cuda"))(
  "without a CUDA device, asking for one is an error that names what there is",
  async () => {
    expect(devices()).toEqual(["cpu"]);
    const message = "device: expected one of cpu, got cuda";
    await expect(distanceTransform(mask, cuda)).rejects.toThrow(message);
    await expect(signedDistance(mask, { classes: 2, ...cuda })).rejects.toThrow(message);
    await expect(toDevice(mask, "cuda")).rejects.toThrow(message);
    await expect(toDevice(mask, "cpu" as never)).rejects.toThrow(
      'device: expected a device, for example "cuda", got cpu',
    );
    expect(() => distanceTransformSync(mask, { keep: true })).toThrow("keep: needs device cuda");
  },
);
