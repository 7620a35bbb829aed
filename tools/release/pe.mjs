// The gate of released Windows addons: with libraries alone that every Windows since 10 has.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const system = /^(kernel32|ntdll|advapi32|bcryptprimitives|ucrtbase|api-ms-win-[\w-]+)\.dll$/i;

/** Returns a reader of a Windows library by addresses as it has in memory. */
function imageOf(bytes) {
  const header = bytes.readUInt32LE(0x3c);
  if (bytes.toString("latin1", header, header + 4) !== "PE\0\0") return undefined;
  const sections = bytes.readUInt16LE(header + 6);
  const optional = header + 24;
  const first = optional + bytes.readUInt16LE(header + 20);
  const at = (address) => {
    for (let i = 0; i < sections; i++) {
      const section = first + 40 * i;
      const [size, start, , offset] = [8, 12, 16, 20].map((field) => bytes.readUInt32LE(section + field));
      if (address >= start && address < start + size) return offset + address - start;
    }
    throw new Error(`no section has the address ${address}`);
  };
  return {
    machine: bytes.readUInt16LE(header + 4),
    /** Returns the place of a table in the file, 0 of exports, 1 of imports; undefined if there is none. */
    table: (index) => {
      const address = bytes.readUInt32LE(optional + 112 + 8 * index);
      return address === 0 ? undefined : at(address);
    },
    number: (offset) => bytes.readUInt32LE(offset),
    text: (address) => bytes.toString("latin1", at(address), bytes.indexOf(0, at(address))),
    at,
  };
}

function importedLibraries({ table, number, text }) {
  const names = [];
  for (let at = table(1); at !== undefined && number(at + 12) !== 0; at += 20)
    names.push(text(number(at + 12)));
  return names;
}

function exportedNames({ table, number, text, at }) {
  const start = table(0);
  if (start === undefined) return [];
  const names = at(number(start + 32));
  return Array.from({ length: number(start + 24) }, (_, i) => text(number(names + 4 * i)));
}

/** Returns what keeps an addon for Windows from loading where it should, a line each. */
export function windowsProblems(file) {
  const bytes = readFileSync(file);
  const image = bytes.length > 0x40 && bytes.toString("latin1", 0, 2) === "MZ" ? imageOf(bytes) : undefined;
  if (image === undefined) return [`${basename(file)}: is no Windows library`];
  const problems = image.machine === 0x8664 ? [] : ["is not for x64"];
  for (const name of importedLibraries(image)) if (!system.test(name)) problems.push(`needs ${name}`);
  const strange = exportedNames(image).filter((name) => !/^(napi|node_api)_/.test(name));
  if (strange.length > 0)
    problems.push(`exports ${strange.slice(0, 3).join(", ")} and ${strange.length} in all`);
  return problems.map((problem) => `${basename(file)}: ${problem}`);
}
