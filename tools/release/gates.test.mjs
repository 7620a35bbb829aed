import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { machoProblems } from "./macho.mjs";
import { windowsProblems } from "./pe.mjs";

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-gates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function written(bytes) {
  const file = join(folder, "a.node");
  writeFileSync(file, bytes);
  return file;
}

/** Returns 32-bit numbers and texts, each filled up to eight bytes, as bytes. */
function packed(...parts) {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "number") return Buffer.from(Uint32Array.of(part).buffer);
      const text = Buffer.from(`${part}\0`);
      return Buffer.concat([text, Buffer.alloc(-text.length & 7)]);
    }),
  );
}

/** Returns a macOS library: a command for each library and for the system's version, and its symbols. */
function macho({ cpu = 0x0100000c, libraries = [], version = 12 << 16, signed = true, symbols = [] }) {
  const commands = [
    ...libraries.map((name) => {
      const text = packed(name);
      return Buffer.concat([packed(0xc, 24 + text.length, 24, 0, 0, 0), text]);
    }),
    packed(0x32, 24, 1, version, version, 0),
    ...(signed ? [packed(0x1d, 16, 0, 0)] : []),
  ];
  const size = commands.reduce((sum, { length }) => sum + length, 24);
  const names = symbols.map(({ name }) => packed(name));
  const entries = symbols.map(({ type, description = 0 }, i) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(
      names.slice(0, i).reduce((sum, { length }) => sum + length, 0),
      0,
    );
    entry[4] = type;
    entry.writeUInt16LE(description, 6);
    return entry;
  });
  const table = 32 + size;
  const strings = table + 16 * symbols.length;
  return Buffer.concat([
    packed(0xfeedfacf, cpu, 0, 6, commands.length + 1, size, 0, 0),
    ...commands,
    packed(0x2, 24, table, symbols.length, strings, 0),
    ...entries,
    ...names,
  ]);
}

const system = "/usr/lib/libSystem.B.dylib";
const [defined, undefinedSymbol] = [0x0f, 0x01];
const anyLibrary = 0xfe << 8;

describe("the gate of macOS addons", () => {
  test("takes an addon that needs the system, exports its entry and asks Node for the rest", () => {
    const symbols = [
      { name: "_napi_register_module_v1", type: defined },
      { name: "_hidden", type: defined | 0x10 },
      { name: "_napi_create_object", type: undefinedSymbol, description: anyLibrary },
      { name: "_malloc", type: undefinedSymbol, description: 1 << 8 },
    ];
    expect(machoProblems(written(macho({ libraries: [system], symbols })), "arm64")).toEqual([]);
  });

  test("finds each thing that would keep it from loading", () => {
    const symbols = [
      { name: "_planted", type: defined },
      { name: "_missing", type: undefinedSymbol, description: anyLibrary },
    ];
    const libraries = [system, "@rpath/libfoo.dylib"];
    const bytes = macho({ libraries, version: 14 << 16, signed: false, symbols });
    expect(machoProblems(written(bytes), "arm64")).toEqual([
      "a.node: needs @rpath/libfoo.dylib",
      "a.node: needs macOS 14.0, newer than 12.0",
      "a.node: exports _planted",
      "a.node: needs _missing, which no library has",
      "a.node: is not signed",
    ]);
    expect(machoProblems(written(macho({ libraries })), "x64")[0]).toBe("a.node: is not for x64");
    expect(machoProblems(written("ELF"), "x64")).toEqual(["a.node: is no Mach-O file"]);
  });
});

/** Returns a Windows library of one section, which begins at 0x1000 in memory and at 0x200 in the file. */
function windowsLibrary({ machine = 0x8664, imports = [], exports = [] }) {
  const bytes = Buffer.alloc(0x1000);
  bytes.write("MZ", 0);
  bytes.writeUInt32LE(0x40, 0x3c);
  bytes.write("PE\0\0", 0x40, "latin1");
  bytes.writeUInt16LE(machine, 0x44);
  bytes.writeUInt16LE(1, 0x46);
  bytes.writeUInt16LE(240, 0x54);
  const section = 0x58 + 240;
  for (const [offset, number] of [
    [8, 0xe00],
    [12, 0x1000],
    [16, 0xe00],
    [20, 0x200],
  ])
    bytes.writeUInt32LE(number, section + offset);
  const file = (address) => address - 0x1000 + 0x200;
  let room = 0x1400;
  const put = (text) => {
    const address = room;
    room += bytes.write(`${text}\0`, file(address), "latin1");
    return address;
  };
  if (imports.length > 0) bytes.writeUInt32LE(0x1000, 0x58 + 120);
  imports.forEach((name, i) => {
    bytes.writeUInt32LE(put(name), file(0x1000) + 20 * i + 12);
  });
  if (exports.length > 0) bytes.writeUInt32LE(0x1200, 0x58 + 112);
  bytes.writeUInt32LE(exports.length, file(0x1200) + 24);
  bytes.writeUInt32LE(0x1300, file(0x1200) + 32);
  exports.forEach((name, i) => {
    bytes.writeUInt32LE(put(name), file(0x1300) + 4 * i);
  });
  return bytes;
}

describe("the gate of Windows addons", () => {
  test("takes an addon that needs the system and exports its entry", () => {
    const imports = ["KERNEL32.dll", "api-ms-win-crt-heap-l1-1-0.dll"];
    const exports = ["napi_register_module_v1", "node_api_module_get_api_version_v1"];
    expect(windowsProblems(written(windowsLibrary({ imports, exports })))).toEqual([]);
    expect(windowsProblems(written(windowsLibrary({})))).toEqual([]);
  });

  test("finds each thing that would keep it from loading", () => {
    const bytes = windowsLibrary({ machine: 0xaa64, imports: ["libc++.dll"], exports: ["planted"] });
    expect(windowsProblems(written(bytes))).toEqual([
      "a.node: is not for x64",
      "a.node: needs libc++.dll",
      "a.node: exports planted and 1 in all",
    ]);
    expect(windowsProblems(written("MZ"))).toEqual(["a.node: is no Windows library"]);
  });
});
