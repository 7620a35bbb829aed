import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CalibrationMetric, tensor } from "@pixelcal/core";
import { evaluate } from "@pixelcal/evaluate";
import { serializeModel } from "@pixelcal/graph";
import { encodeNpz, readNpz, writeNpy } from "@pixelcal/io";
import { unet2d } from "@pixelcal/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { healthUntil, hold, post } from "./http.test.helper.js";
import { archive, stateOf, testCase } from "./phantoms.test.helper.js";
import { type Running, serve } from "./serve.js";
import { readSettings } from "./settings.js";

let folder: string;
let running: Running;
let url: string;

const start = (...args: readonly string[]): Promise<Running> =>
  serve(readSettings(["--port", "0", "--classes", "4", ...args]));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-service-"));
  const model = join(folder, "model.onnx");
  writeFileSync(model, serializeModel(unet2d({ classes: 4, base: 2 }).build([1, 1, 32, 32])));
  running = await start("--model", model, "--body-limit", "1");
  url = running.url;
});
afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true });
});

async function errorOf(answer: Response): Promise<{ code: string; message: string }> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  // One sentence, for people.
  expect(error.message).toMatch(/^[^\n]{10,300}$/);
  return error;
}

/** Returns a NumPy file of an array. */
async function npy(name: string, array: Parameters<typeof writeNpy>[1]): Promise<Blob> {
  const path = join(folder, name);
  await writeNpy(path, array);
  return new Blob([await readFile(path)]);
}

function form(files: Readonly<Record<string, readonly [blob: Blob, name: string]>>): FormData {
  const body = new FormData();
  for (const [field, [blob, name]] of Object.entries(files)) body.set(field, blob, name);
  return body;
}

/** Returns a NIfTI-1 file of labels, x fastest, with an sform. */
function nifti(labels: Uint8Array, size: readonly number[], spacing: readonly number[]): Uint8Array {
  const file = new DataView(new ArrayBuffer(352 + labels.length));
  file.setInt32(0, 348, true);
  [3, ...size, 1, 1, 1, 1].forEach((n, i) => {
    file.setInt16(40 + 2 * i, n, true);
  });
  file.setInt16(70, 2, true);
  file.setInt16(72, 8, true);
  [1, ...spacing].forEach((n, i) => {
    file.setFloat32(76 + 4 * i, n, true);
  });
  file.setFloat32(108, 352, true);
  file.setUint8(123, 2);
  file.setInt16(254, 1, true);
  spacing.forEach((n, axis) => {
    file.setFloat32(280 + 20 * axis, n, true);
  });
  const bytes = new Uint8Array(file.buffer);
  bytes.set([0x6e, 0x2b, 0x31, 0], 344);
  bytes.set(labels, 352);
  return bytes;
}

describe("scoring", () => {
  test("an archive has the scores that evaluate gives", async () => {
    const item = testCase(1);
    const answer = await post(`${url}/v1/score?name=one`, await archive(item));
    expect(answer.status).toBe(200);
    const { rows } = await evaluate([{ name: "one", ...item }], { convention: "consistent", classes: 4 });
    expect(await answer.json()).toEqual({ name: "one", scores: { ...rows[0]!.scores } });
  });

  test("a pair of files gives the scores of the archive without spacing", async () => {
    const { probs, labels } = testCase(2);
    const body = form({
      probs: [await npy("probs.npy", probs), "probs.npy"],
      label: [await npy("label.npy", labels), "label.npy"],
    });
    const pair = await post(`${url}/v1/score`, body);
    const whole = await post(`${url}/v1/score`, await encodeNpz({ probs, label: labels }));
    expect(pair.status).toBe(200);
    expect(await pair.json()).toEqual(await whole.json());
  });

  test("a pair of volumes with a geometry takes the spacing of the labels", async () => {
    const dims = [2, 3, 8, 8];
    const probs = Float32Array.from({ length: 384 }, (_, i) => (i < 192 ? 0.75 : 0.25));
    const mask = Uint8Array.from({ length: 192 }, (_, i) => (i % 7 === 0 ? 1 : 0));
    const header = (type: string, extra: string): string =>
      `NRRD0004\ntype: ${type}\nencoding: raw\nendian: little\n${extra}\n\n`;
    const space = "space: left-posterior-superior\nspace origin: (0,0,0)\n";
    const axes = "(0.5,0,0) (0,0.5,0) (0,0,3)";
    const label = new Blob([
      header("uint8", `dimension: 3\nsizes: 8 8 3\n${space}space directions: ${axes}`),
      mask,
    ]);
    const dense = new Blob([
      header("float", `dimension: 4\nsizes: 8 8 3 2\n${space}space directions: ${axes} none`),
      probs,
    ]);
    const small = await serve(readSettings(["--port", "0"]));
    try {
      const body = form({ probs: [dense, "probs.nrrd"], label: [label, "label.nrrd"] });
      const answer = await post(`${small.url}/v1/score`, body);
      expect(answer.status).toBe(200);
      const item = {
        probs: tensor("float32", probs, dims),
        labels: tensor("uint8", mask, dims.slice(1)),
        spacing: [3, 0.5, 0.5],
      };
      const { rows } = await evaluate([{ name: "case", ...item }], { convention: "consistent", classes: 2 });
      const finite = (value: number): number | "inf" | null =>
        Number.isNaN(value) ? null : Number.isFinite(value) ? value : "inf";
      const scores = Object.entries(rows[0]!.scores).map(([column, value]) => [column, finite(value)]);
      expect(await answer.json()).toEqual({ name: "case", scores: Object.fromEntries(scores) });
    } finally {
      await small.close();
    }
  });

  test("an NPZ of nnU-Net beside a NIfTI label takes the label's spacing", async () => {
    const size = [3, 10, 12];
    const pixels = 360;
    const labels = Uint8Array.from({ length: pixels }, (_, i) => (i % 12 > 6 ? 1 + (i % 3) : 0));
    const probs = Float32Array.from({ length: 4 * pixels }, (_, i) =>
      labels[i % pixels] === Math.floor(i / pixels) ? 0.7 : 0.1,
    );
    const item = { probs: tensor("float32", probs, [4, ...size]), labels: tensor("uint8", labels, size) };
    const body = form({
      probs: [new Blob([await encodeNpz({ probabilities: item.probs })]), "case_01.npz"],
      label: [new Blob([nifti(labels, [12, 10, 3], [0.5, 0.75, 4])]), "case_01.nii"],
    });
    const answer = await post(`${url}/v1/score`, body);
    const spacing = [4, 0.75, 0.5];
    const { rows } = await evaluate([{ name: "case", ...item, spacing }], {
      convention: "consistent",
      classes: 4,
    });
    expect(await answer.json()).toEqual({ name: "case", scores: rows[0]!.scores });
    expect(rows[0]!.scores.HD95).toBe(0);
  });

  test("logits with a transform are the probabilities that they are made of", async () => {
    const { probs, labels } = testCase(3);
    const logits = { ...probs, data: probs.data.map((p) => Math.log(Math.max(p, 1e-12))) };
    const answer = await post(
      `${url}/v1/score?transform=softmax`,
      await encodeNpz({ probs: logits, label: labels }),
    );
    const plain = await post(`${url}/v1/score`, await encodeNpz({ probs, label: labels }));
    const [a, b] = (await Promise.all([answer.json(), plain.json()])) as { scores: Record<string, number> }[];
    for (const column of ["DSC", "Brier", "ECE"])
      expect(a!.scores[column]).toBeCloseTo(b!.scores[column]!, 5);
  });
});

describe("predicting", () => {
  test("gives probabilities, and their scores in one request", async () => {
    const { image, labels, spacing } = testCase(4);
    const sizes = tensor("float64", Float64Array.from(spacing), [2]);
    const body = await encodeNpz({ image, label: labels, spacing: sizes });
    const predicted = await post(`${url}/v1/predict`, body);
    expect(predicted.status).toBe(200);
    const { probs } = await readNpz(new Uint8Array(await predicted.arrayBuffer()));
    expect(probs!.dims).toEqual([4, 32, 32]);
    const scored = await post(`${url}/v1/predict-and-score`, body);
    const both = await post(
      `${url}/v1/score`,
      await encodeNpz({ probs: probs!, label: labels, spacing: sizes }),
    );
    expect(await scored.json()).toEqual(await both.json());
  });

  test("is refused without a model, and for an image that the model does not take", async () => {
    const plain = await start();
    try {
      const { image, labels } = testCase(4);
      const answer = await post(`${plain.url}/v1/predict`, await encodeNpz({ image, label: labels }));
      expect(answer.status).toBe(501);
      expect(await errorOf(answer)).toEqual({
        code: "no_model",
        message: "the service runs without --model",
      });
    } finally {
      await plain.close();
    }
    const image = tensor("float32", new Float32Array(3 * 64), [3, 8, 8]);
    const body = await encodeNpz({ image, label: tensor("uint8", new Uint8Array(64), [8, 8]) });
    const answer = await post(`${url}/v1/predict`, body);
    expect(answer.status).toBe(422);
    await errorOf(answer);
  });
});

describe("refusals have a status and one sentence", () => {
  const image = tensor("float32", new Float32Array(16), [1, 4, 4]);
  const label = tensor("uint8", new Uint8Array(16), [4, 4]);
  const uniform = (...dims: number[]) =>
    tensor("float32", new Float32Array(dims.reduce((a, b) => a * b)).fill(1 / dims[0]!), dims);

  test.each<[string, () => Promise<Response>, number, string, string]>([
    [
      "no archive",
      () => post(`${url}/v1/score`, Buffer.from("x")),
      422,
      "ERR_PIXELCAL_FORMAT",
      "not a ZIP archive",
    ],
    [
      "no probabilities",
      async () => post(`${url}/v1/score`, await encodeNpz({ image, label })),
      422,
      "ERR_PIXELCAL_FORMAT",
      "probs: no such array in the file, which holds image, label",
    ],
    [
      "other classes",
      async () => post(`${url}/v1/score`, await encodeNpz({ probs: uniform(3, 4, 4), label })),
      422,
      "ERR_PIXELCAL_INVALID_ARGUMENT",
      "expected 4 classes",
    ],
    [
      "logits without a transform",
      async () =>
        post(
          `${url}/v1/score`,
          await encodeNpz({ probs: { ...uniform(4, 4, 4), data: new Float32Array(64).fill(3) }, label }),
        ),
      422,
      "ERR_PIXELCAL_INVALID_ARGUMENT",
      "probs: ",
    ],
    ["nothing", () => post(`${url}/v1/score`, new Uint8Array()), 422, "empty", "the request has no body"],
    [
      "another type",
      () => post(`${url}/v1/score`, Buffer.from("{}"), "application/json"),
      415,
      "FST_ERR_CTP_INVALID_MEDIA_TYPE",
      "expected content-type application/octet-stream",
    ],
    [
      "too much",
      () => post(`${url}/v1/score`, new Uint8Array(2 ** 20 + 1)),
      413,
      "FST_ERR_CTP_BODY_TOO_LARGE",
      "--body-limit",
    ],
    [
      "a form that is none",
      async () =>
        post(`${url}/v1/score`, await encodeNpz({ probs: uniform(4, 4, 4), label }), "multipart/form-data"),
      422,
      "multipart",
      "not the multipart form",
    ],
    [
      "an unknown transform",
      () => post(`${url}/v1/score?transform=relu`, new Uint8Array(4)),
      400,
      "FST_ERR_VALIDATION",
      "transform",
    ],
    [
      "an unknown option",
      () => post(`${url}/v1/score?nam=x`, new Uint8Array(4)),
      400,
      "FST_ERR_VALIDATION",
      "additional",
    ],
    [
      "a missing file",
      async () => post(`${url}/v1/score`, form({ probs: [await npy("p.npy", uniform(4, 4, 4)), "p.npy"] })),
      422,
      "fields",
      "expected the files probs and label, got probs",
    ],
    [
      "shapes that differ",
      async () =>
        post(
          `${url}/v1/score`,
          form({
            probs: [await npy("p5.npy", uniform(4, 5, 4)), "p.npy"],
            label: [await npy("l.npy", label), "l.npy"],
          }),
        ),
      422,
      "geometry",
      "probs has 5 x 4 pixels, label has 4 x 4",
    ],
    [
      "another route",
      () => post(`${url}/v2/score`, new Uint8Array(1)),
      404,
      "not_found",
      "there is no POST /v2/score",
    ],
  ])("%s", async (_, send, status, code, message) => {
    const answer = await send();
    expect(answer.status).toBe(status);
    const error = await errorOf(answer);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

describe("back-pressure", () => {
  test("a full service refuses with Retry-After, and serves again when a place is free", async () => {
    const body = await archive(testCase(5));
    const full = await start("--concurrency", "1", "--queue", "1");
    try {
      const [first, second] = [
        await hold(`${full.url}/v1/score`, body),
        await hold(`${full.url}/v1/score`, body),
      ];
      await healthUntil(full.url, ({ waiting }) => waiting === 2);
      const refused = await post(`${full.url}/v1/score`, body);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(await errorOf(refused)).toMatchObject({ code: "busy" });
      expect(await first.finish()).toMatchObject({ status: 200 });
      expect((await post(`${full.url}/v1/score`, body)).status).toBe(200);
      // A client that goes away leaves its place.
      second.abort();
      await healthUntil(full.url, ({ waiting }) => waiting === 0);
    } finally {
      await full.close();
    }
  });

  test("closing answers the request in progress", async () => {
    const body = await archive(testCase(6));
    const closing = await start();
    const held = await hold(`${closing.url}/v1/score`, body);
    await healthUntil(closing.url, ({ waiting }) => waiting === 1);
    const closed = closing.close();
    expect(await held.finish()).toMatchObject({ status: 200 });
    await closed;
    await expect(fetch(`${closing.url}/health`)).rejects.toThrow();
  });
});

describe("the running calibration", () => {
  test("alarms at /metrics for over-confident cases, not for calibrated ones; its state merges", async () => {
    const watched = await start("--window", "16");
    try {
      const gauge = async (name: string): Promise<number> => {
        const text = await (await fetch(`${watched.url}/metrics`)).text();
        const [, value] = new RegExp(`^pixelcal_${name} (\\S+)$`, "m").exec(text) ?? [];
        return value === undefined ? Number.NEGATIVE_INFINITY : Number(value === "Nan" ? "NaN" : value);
      };
      expect(await gauge("drift_alarm")).toBeNaN();
      for (let i = 0; i < 16; i++) await post(`${watched.url}/v1/score`, await archive(testCase(i)));
      expect(await gauge("window_cases")).toBe(16);
      expect(await gauge("drift_alarm")).toBe(0);
      const expected = CalibrationMetric.restore(await stateOf(testCase(0)));
      for (let i = 1; i < 16; i++) expected.merge(CalibrationMetric.restore(await stateOf(testCase(i))));
      const state = new Uint8Array(await (await fetch(`${watched.url}/v1/state`)).arrayBuffer());
      expect(state).toEqual(expected.state());
      expect(await gauge("calibration_error")).toBe(expected.compute().expected);
      for (let i = 0; i < 16; i++) await post(`${watched.url}/v1/score`, await archive(testCase(50 + i, 2)));
      expect(await gauge("drift_alarm")).toBe(1);
      expect(await gauge("drift_error")).toBeGreaterThan(await gauge("drift_bound"));
    } finally {
      await watched.close();
    }
  });

  test("requests are counted by route and status", async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^http_requests_total\{route="\/v1\/score",status="200"\} \d+$/m);
    expect(text).toMatch(/^http_requests_total\{route="\/v1\/score",status="413"\} 1$/m);
    expect(text).toMatch(/^http_request_seconds_count\{route="\/v1\/score"\} \d+$/m);
  });
});
