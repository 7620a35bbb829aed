import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphError, parseModel } from "../index.js";
import { addModel, folder, golden } from "./hand-made.test.helper.js";

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
  ])("%j is read", (entries) => {
    expect(parse(entries as Record<string, string>)().initializers.get("w")!.dims).toEqual([2]);
  });

  const refused: readonly [Record<string, string>, RegExp][] = [
    [{}, /a file name inside of the model's folder/],
    [{ location: "/etc/passwd", length: "8" }, /a file name inside/],
    [{ location: "../secret", length: "8" }, /a file name inside/],
    [{ location: "a/../../secret" }, /a file name inside/],
    [{ location: "..\\secret" }, /a file name inside/],
    [{ location: "C:\\secret" }, /a file name inside/],
    [{ location: "da\0ta" }, /a file name inside/],
    [{ location: "link", length: "8" }, /a file inside of the model's folder, got link, a link to/],
    [{ location: "up/secret", length: "8" }, /a file inside of the model's folder/],
    [{ location: "." }, /a plain file|EISDIR/],
    [{ location: "none" }, /none: ENOENT/],
    [{ location: "data", offset: "12", length: "8" }, /data of at least 20 bytes, got 16/],
    [{ location: "data", offset: "99" }, /at least 99 bytes, got 16/],
    [{ location: "data" }, /w: expected 8 bytes of float32, got 16/],
    [{ location: "data", offset: "-4" }, /w\.offset: expected a whole number/],
    [{ location: "data", length: "1e1" }, /w\.length: expected a whole number/],
    [{ location: "data", length: "99999999999999" }, /at least 99999999999999 bytes/],
  ];
  test.each(refused)("%j is refused", (entries, message) => {
    expect(parse(entries)).toThrow(GraphError);
    expect(parse(entries)).toThrow(message);
  });
});
