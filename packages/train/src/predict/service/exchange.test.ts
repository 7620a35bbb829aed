import { fstatSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { ExchangeFile } from "./exchange.js";
import { StderrTail } from "./stderr-tail.js";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

it("an exchange file holds one message and nothing else", async () => {
  const file = new ExchangeFile();
  try {
    // No folder lists it and nobody else may open it.
    expect(fstatSync(file.descriptor)).toMatchObject({ nlink: 0, size: 0 });
    expect(fstatSync(file.descriptor).mode & 0o777).toBe(0o600);
    await file.write(bytes(1, 2, 3, 4, 5));
    await file.write(bytes(9, 8));
    expect(fstatSync(file.descriptor).size).toBe(2);
    const into = new Uint8Array(2);
    await file.read(into);
    expect(into).toEqual(bytes(9, 8));
    await expect(file.read(new Uint8Array(5))).rejects.toThrow("expected 5 bytes, got 2");
    await expect(file.read(new Uint8Array(1))).rejects.toThrow("expected 1 bytes, got 2");
    await file.clear();
    expect(fstatSync(file.descriptor).size).toBe(0);
    await expect(file.read(new Uint8Array(2))).rejects.toThrow("expected 2 bytes, got 0");
  } finally {
    file.close();
    file.close();
  }
  await expect(file.write(bytes(1))).rejects.toThrow("the file is closed");
});

it("an array that is transferred while it is written fails", async () => {
  const file = new ExchangeFile();
  const array = new Uint8Array(1 << 20);
  const written = file.write(array);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  await expect(written).rejects.toThrow(/^expected an array of 1048576 bytes, got 0$|EFAULT/);
  file.close();
});

it("the last lines of stderr are kept", async () => {
  const stream = new PassThrough();
  const tail = new StderrTail(stream, false);
  expect(tail.tail()).toBe("");
  stream.write("x".repeat(10_000));
  stream.write("\nfirst\n");
  for (let line = 1; line <= 8; line++) stream.write(`line ${line}\n`);
  stream.end();
  await tail.ended;
  expect(tail.tail()).toBe(
    `; its last lines on stderr:\n${[1, 2, 3, 4, 5, 6, 7, 8].map((line) => `line ${line}`).join("\n")}`,
  );
});
