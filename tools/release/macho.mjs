// The gate of released macOS addons: loadable on every system that is promised, with its C library alone.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { atMost } from "./elf.mjs";

/** The oldest macOS that an addon is made for. */
export const macosLimit = "12.0";

const processors = { x64: 0x01000007, arm64: 0x0100000c };
const commands = { symbols: 0x2, library: 0xc, signature: 0x1d, version: 0x32 };
const [external, privateExternal, type, undefinedType] = [0x01, 0x10, 0x0e, 0x00];
/** The library number of a symbol that the running program has to offer. */
const anyLibrary = 0xfe;
const isOurs = (name) => /^_(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name);

const textAt = (bytes, at) => bytes.toString("latin1", at, bytes.indexOf(0, at));

/** Returns the symbols of a library: [{ name, defined, shown, library }]. */
function symbolsOf(bytes, at) {
  const [table, count, strings] = [8, 12, 16].map((offset) => bytes.readUInt32LE(at + offset));
  return Array.from({ length: count }, (_, i) => {
    const entry = table + 16 * i;
    const kind = bytes[entry + 4];
    return {
      name: textAt(bytes, strings + bytes.readUInt32LE(entry)),
      defined: (kind & type) !== undefinedType,
      shown: (kind & external) !== 0 && (kind & privateExternal) === 0,
      library: bytes.readUInt16LE(entry + 6) >> 8,
    };
  });
}

/** Returns what keeps an addon for macOS from loading where it should, a line each. */
export function machoProblems(file, cpu) {
  const bytes = readFileSync(file);
  if (bytes.length < 32 || bytes.readUInt32LE(0) !== 0xfeedfacf)
    return [`${basename(file)}: is no Mach-O file`];
  const problems = [];
  if (bytes.readUInt32LE(4) !== processors[cpu]) problems.push(`is not for ${cpu}`);
  let [at, signed] = [32, false];
  for (let i = 0; i < bytes.readUInt32LE(16); i++) {
    const [command, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    if (command === commands.signature) signed = true;
    if (command === commands.library) {
      const name = textAt(bytes, at + bytes.readUInt32LE(at + 8));
      if (!/^\/usr\/lib\/lib(System\.B|c\+\+\.1)\.dylib$/.test(name)) problems.push(`needs ${name}`);
    }
    if (command === commands.version) {
      const least = bytes.readUInt32LE(at + 12);
      const version = `${least >>> 16}.${(least >>> 8) & 0xff}`;
      if (!atMost(version, macosLimit)) problems.push(`needs macOS ${version}, newer than ${macosLimit}`);
    }
    if (command === commands.symbols)
      for (const { name, defined, shown, library } of symbolsOf(bytes, at)) {
        if (defined && shown && !isOurs(name)) problems.push(`exports ${name}`);
        if (!defined && library === anyLibrary && !/^_(napi|node_api)_/.test(name))
          problems.push(`needs ${name}, which no library has`);
      }
    at += size;
  }
  // The system runs no code for Apple's processors without a signature, which needs no identity.
  if (cpu === "arm64" && !signed) problems.push("is not signed");
  return problems.map((problem) => `${basename(file)}: ${problem}`);
}
