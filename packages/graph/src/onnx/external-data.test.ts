import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphError, parseModel } from "../index.js";
import { addModel, folder, golden } from "./hand-made.test.helper.js";

const sha1 = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

describe("data in other files", () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "external-"));
    await mkdir(join(place, "model"));
    await writeFile(join(place, "secret"), new Uint8Array(8));
    await writeFile(join(place, "model", "data"), new Uint8Array(16).fill(1));
    await symlink(join(place, "secret"), join(place, "model", "link"));
    await symlink(place, join(place, "model", "up"));
    await symlink(join(place, "model", "data"), join(place, "model", "inner"));
    await mkdir(join(place, "model", "..data"));
    await writeFile(join(place, "model", "..data", "d"), new Uint8Array(8));
    await writeFile(join(place, "model", "huge"), "");
    await truncate(join(place, "model", "huge"), 2 ** 40);
    await link(join(place, "secret"), join(place, "model", "hard"));
    if (process.platform !== "win32") execFileSync("mkfifo", [join(place, "model", "pipe")]);
  });
  afterAll(() => rm(place, { recursive: true }));

  test("of the onnx library", () => {
    const graph = parseModel(golden("external.onnx"), { externalData: folder });
    expect([...graph.initializers.get("w")!.data]).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect([...graph.initializers.get("v")!.data]).toEqual(Array.from({ length: 600 }, (_, i) => i / 8));
    expect(() => parseModel(golden("external.onnx"))).toThrow(
      /w: its data lies in another file: give externalData/,
    );
  });

  test("by a function", () => {
    const asked: unknown[] = [];
    const read = (...range: readonly unknown[]): Uint8Array => {
      asked.push(range);
      return new Uint8Array(range[2] as number);
    };
    parseModel(golden("external.onnx"), { externalData: read });
    expect(asked).toEqual([
      ["external.data", 0, 1200],
      ["external.data", 1200, 2400],
    ]);
  });

  test.runIf(process.platform !== "win32")(
    "a named pipe is refused, and not waited for (not on Windows)",
    () => {
      expect(parse({ location: "pipe", length: "8" })).toThrow(/a plain file, got pipe/);
    },
  );

  test("the checksum of what a function reads", () => {
    const bytes = new Uint8Array(8).fill(3);
    const read = (): Uint8Array => bytes;
    const model = (checksum: string): Uint8Array => at({ location: "x", length: "8", checksum });
    expect(parseModel(model(sha1(bytes)), { externalData: read }).initializers.get("w")!.dims).toEqual([2]);
    expect(() => parseModel(model(sha1(new Uint8Array(1))), { externalData: read })).toThrow(
      /x with the SHA-1/,
    );
  });

  const at = (entries: Record<string, string>): Uint8Array =>
    addModel({
      rawData: undefined,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const parse = (entries: Record<string, string>) => () =>
    parseModel(at(entries), { externalData: join(place, "model") });

  test.each([
    { location: "data", length: "8" },
    { location: "data", offset: "8" },
    { location: "./data", offset: "4", length: "8" },
    { location: "inner", offset: "8", length: "8" },
    { location: "..data/d" },
    { location: "data", length: "8", checksum: sha1(new Uint8Array(16).fill(1)) },
    { location: "data", length: "8", checksum: sha1(new Uint8Array(16).fill(1)).toUpperCase() },
  ])("%j is read", (entries) => {
    expect(parse(entries as unknown as Record<string, string>)().initializers.get("w")!.dims).toEqual([2]);
  });

  const refused: readonly [Record<string, string>, RegExp][] = [
    [{}, /a file name inside the model's folder/],
    [{ location: "/etc/passwd", length: "8" }, /a file name inside/],
    [{ location: "../secret", length: "8" }, /a file name inside/],
    [{ location: "a/../../secret" }, /a file name inside/],
    [{ location: "..\\secret" }, /a file name inside/],
    [{ location: "C:\\secret" }, /a file name inside/],
    [{ location: "da\0ta" }, /a file name inside/],
    [{ location: "link", length: "8" }, /a file inside the model's folder, got link, a link to/],
    [{ location: "up/secret", length: "8" }, /a file inside the model's folder/],
    [{ location: "." }, /a plain file|EISDIR/],
    [{ location: "none" }, /none: ENOENT/],
    [{ location: "data", offset: "12", length: "8" }, /data of at least 20 bytes, got 16/],
    [{ location: "data", offset: "99" }, /at least 99 bytes, got 16/],
    [{ location: "data" }, /w: expected 8 bytes of float32, got 16/],
    // Not a byte of it is read.
    [{ location: "huge" }, /w: expected 8 bytes of float32, got 1099511627776/],
    [{ location: "huge", length: "1099511627776" }, /w: expected 8 bytes of float32, got 1099511627776/],
    [{ location: "data", length: "4" }, /w: expected 8 bytes of float32, got 4/],
    [
      { location: "hard", length: "8" },
      /a file without further hard links, .* replace it with a copy, got hard with 2 hard links/,
    ],
    [
      { location: "data", length: "8", checksum: "" },
      /data with the SHA-1 {2}that the model names, got [0-9a-f]{40}/,
    ],
    [{ location: "data", length: "8", checksum: "00" }, /data with the SHA-1 00 that the model names/],
    [{ location: "data", offset: "-4" }, /w\.offset: expected a whole number/],
    [{ location: "data", length: "1e1" }, /w\.length: expected a whole number/],
    [{ location: "data", length: "99999999999999" }, /at least 99999999999999 bytes/],
  ];
  test.each(refused)("%j is refused", (entries, message) => {
    expect(parse(entries)).toThrow(GraphError);
    expect(parse(entries)).toThrow(message);
  });
});
