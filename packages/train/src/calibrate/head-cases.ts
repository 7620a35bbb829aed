import type { CalibrationCase, CalibrationCases, SignalOption } from "@pixelcal/core";

/** The label of ignored pixels in the masks of heads. */
export const ignoredInHead = 255;

/**
 * Returns the cases of one channel that is a sigmoid of its own, as logits [0, z] of two classes: the channel
 * holds the pixels whose label is one of `members`.
 */
export function headCases(
  cases: CalibrationCases,
  channel: number,
  members: ReadonlySet<number>,
  ignore?: number,
): CalibrationCases {
  return {
    count: cases.count,
    async read(index: number, options: SignalOption): Promise<CalibrationCase> {
      const { logits, labels, ...rest } = await cases.read(index, options);
      const [, channels, ...spatial] = logits.dims as [number, number, ...number[]];
      const pixels = logits.data.length / channels;
      const two = new Float32Array(2 * pixels);
      two.set((logits.data as Float32Array).subarray(channel * pixels, (channel + 1) * pixels), pixels);
      const mask = new Uint8Array(pixels);
      for (let i = 0; i < pixels; i++) {
        const label = Number(labels.data[i]);
        mask[i] = label === ignore ? ignoredInHead : Number(members.has(label));
      }
      return {
        ...rest,
        logits: { type: "float32", dims: [1, 2, ...spatial], data: two },
        labels: { type: "uint8", dims: [1, ...spatial], data: mask },
      };
    },
  };
}
