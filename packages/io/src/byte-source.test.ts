import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, test } from "vitest";
import type { FileSource } from "./byte-source.js";
import * as io from "./index.js";

const image = {
  type: "float32",
  dims: [1, 40, 60],
  data: Float32Array.from({ length: 2400 }, Math.sqrt),
} as const;
const label = {
  type: "uint8",
  dims: [40, 60],
  data: Uint8Array.from({ length: 2400 }, (_, i) => i % 2),
} as const;
const half = Float32Array.from({ length: 4800 }, () => 0.5);
const probs = { type: "float32", dims: [2, 40, 60], data: half } as const;
const archive = await io.encodeNpz({ image, label, probs });
const stored = await io.encodeNpz({ image }, { level: 0 });
const tensors = Buffer.concat(io.encodeSafetensors({ tensors: { image }, metadata: {} }, { checksum: true }));

interface Reader {
  readonly bytes: Uint8Array;
  readonly read: (source: FileSource, options?: object) => Promise<unknown>;
}

const readers: Readonly<Record<string, Reader>> = {
  readNpz: { bytes: archive, read: (source, o) => io.readNpz(source, { ...o }) },
  "readNpz of stored arrays": { bytes: stored, read: (source, o) => io.readNpz(source, { ...o }) },
  npzNames: { bytes: archive, read: (source, o) => io.npzNames(source, { ...o }) },
  readNpy: { bytes: Buffer.concat(io.encodeNpy(image)), read: (source, o) => io.readNpy(source, { ...o }) },
  readCase: { bytes: archive, read: (source, o) => io.readCase(source, limited(o)) },
  readPrediction: { bytes: archive, read: (source, o) => io.readPrediction(source, limited(o)) },
  readSafetensors: { bytes: tensors, read: (source, o) => io.readSafetensors(source, { ...o }) },
  verifySafetensors: { bytes: tensors, read: (source, o) => io.verifySafetensors(source, { ...o }) },
  readVolume: { bytes: stored, read: (source, o) => io.readVolume(source, limited(o)) },
};

function limited({ source, ...limits }: { readonly source?: string } = {}): object {
  return { limits, ...(source === undefined ? {} : { source }) };
}

const folder = mkdtempSync(join(tmpdir(), "pixelcal-source-"));
afterAll(() => rmSync(folder, { recursive: true }));

const refusal = (reading: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> =>
  reading.then(
    () => ({ code: "none", message: "nothing was refused" }),
    (error) => error,
  );

describe.each(Object.entries(readers))("%s", (name, { bytes, read }) => {
  const path = join(folder, `${name.replaceAll(" ", "-")}.npz`);
  writeFileSync(path, bytes);
  // At an odd offset, as the part of an upload may be.
  const part = new Uint8Array(bytes.length + 3).subarray(3);
  part.set(bytes);
  const whole = Uint8Array.from(bytes).buffer;

  test("reads the same from a path, a URL and bytes, which it does not keep", async () => {
    const expected = await read(path);
    expect(await read(pathToFileURL(path))).toEqual(expected);
    expect(await read(whole)).toEqual(expected);
    expect(await read(Buffer.from(bytes))).toEqual(expected);
    const foreign = runInNewContext("new Uint8Array(values)", { values: [...bytes] });
    expect(await read(foreign)).toEqual(expected);
    const result = await read(part);
    part.fill(7);
    expect(result).toEqual(expected);
    part.set(bytes);
  });

  test("has the same limits for all, and names bytes", async () => {
    const limits = { maxFile: 100 };
    const got = `${bytes.length} bytes exceed the limit of 100`;
    for (const [source, place] of [
      [path, path],
      [pathToFileURL(path), path],
      [part, "bytes"],
    ] as const)
      expect(await refusal(read(source, limits))).toMatchObject({
        code: "ERR_PIXELCAL_LIMIT",
        message: `${place}: ${got}`,
      });
    const named = await refusal(read(part.subarray(0, 60), { source: "upload.npz" }));
    expect(named).toMatchObject({ code: "ERR_PIXELCAL_FORMAT" });
    expect(named.message).toMatch(/^upload\.npz: /);
  });

  test("refuses what is no source, and options it does not know", async () => {
    for (const [source, message] of [
      [42, "source: expected a path, a file URL, or bytes (Uint8Array or ArrayBuffer), got 42"],
      [null, "source: expected a path, a file URL, or bytes (Uint8Array or ArrayBuffer), got null"],
      [new Float32Array(4), "got Float32Array"],
      [new URL("https://example.org/a.npz"), "source: expected a file URL, got https://example.org/a.npz"],
    ] as const) {
      const error = await refusal(read(source as never));
      expect(error).toMatchObject({ code: "ERR_PIXELCAL_INVALID_ARGUMENT" });
      expect(error.message).toContain(message);
    }
    expect((await refusal(read(part, { source: 3 }))).message).toContain("source: expected a text");
  });
});

test.each<[string, () => Promise<unknown>, string]>([
  ["readNpz", () => io.readNpz(archive, { key: ["image"] } as never), "keys"],
  ["npzNames", () => io.npzNames(archive, { maxFiles: 1 } as never), "maxFile"],
  ["readNpy", () => io.readNpy(archive, { maxRanks: 1 } as never), "maxRank"],
  ["readCase", () => io.readCase(archive, { extra: [] } as never), "extras"],
  ["readPrediction", () => io.readPrediction(archive, { ignored: 1 } as never), "ignore"],
  ["readSafetensors", () => io.readSafetensors(tensors, { maxIndx: 1 } as never), "maxIndex"],
  ["verifySafetensors", () => io.verifySafetensors(tensors, { sources: "a" } as never), "source"],
  ["readVolume", () => io.readVolume(archive, { keys: "a" } as never), "key"],
])("%s names the option nearest to an unknown one", async (_, read, nearest) => {
  expect((await refusal(read())).message).toContain(`unknown option (did you mean "${nearest}"?)`);
});

test("a case of an upload names the arrays that it holds", async () => {
  const error = await refusal(io.readCase(stored, { source: "upload" }));
  expect(error.message).toBe("upload: label: no such array in the file, which holds image");
});
