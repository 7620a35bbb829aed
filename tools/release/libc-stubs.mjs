// Libraries to link a release against in place of the machine's own C library. They have the interface of an
// old glibc and no code: the addon then asks for no newer symbol, wherever it was built.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atMost, dynamicSymbols } from "./elf.mjs";

/** The newest glibc that a released addon may ask for: that of Debian 10 and RHEL 8. */
export const glibcLimit = "2.28";

/** The libraries that glibc 2.34 merged into libc, and the names of their functions. */
const merged = {
  "libdl.so.2": /^dl/,
  "libpthread.so.0": /^(pthread|sem)_/,
  "librt.so.1": /^(shm|timer|mq|aio|lio)_/,
};

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const numberOf = (version) => /^GLIBC_([\d.]+)$/.exec(version ?? "")?.[1];

/** Returns the old symbols of a library, each with its newest version that is not too new: name -> symbol. */
function oldSymbols(file) {
  const symbols = new Map();
  const moved = new Set();
  for (const symbol of dynamicSymbols(file)) {
    const number = numberOf(symbol.version);
    if (!symbol.defined || number === undefined || symbol.type === "TLS") continue;
    if (!atMost(number, glibcLimit)) {
      if (number === "2.34") moved.add(symbol.name);
      continue;
    }
    const known = symbols.get(symbol.name);
    if (known === undefined || atMost(numberOf(known.version), number)) symbols.set(symbol.name, symbol);
  }
  return [...symbols.values()].map((symbol) => ({ ...symbol, moved: moved.has(symbol.name) }));
}

/** The definition of a symbol in assembly, without any meaning. */
function definition({ name, type, size }) {
  const [section, kind, bytes] = type === "OBJECT" ? [".bss", "object", size] : [".text", "function", 1];
  return `${section}\n.globl ${name}\n.type ${name},%${kind}\n${name}: .skip ${bytes}\n.size ${name},${bytes}\n`;
}

function writeStub(compiler, folder, library, symbols) {
  const source = join(folder, `${library}.s`);
  const script = join(folder, `${library}.map`);
  const versions = [...new Set(symbols.map(({ version }) => version))];
  const names = (version) =>
    symbols.filter((symbol) => symbol.version === version).map(({ name }) => `${name};`);
  writeFileSync(source, `${symbols.map(definition).join("")}.section .note.GNU-stack,"",%progbits\n`);
  writeFileSync(
    script,
    versions.map((version) => `${version} { global: ${names(version).join(" ")} };\n`).join(""),
  );
  const options = [`-Wl,-soname,${library}`, `-Wl,--version-script=${script}`, "-o", join(folder, library)];
  run(compiler, ["-shared", "-nostdlib", "-x", "assembler", source, ...options]);
}

/**
 * Writes the stubs for a compiler's target into a folder, for `-L`: libc.so and libm.so, which every link
 * asks for, and the libraries they stand for.
 */
export function writeLibcStubs(compiler, folder) {
  const find = (name) => run(compiler, [`-print-file-name=${name}`]);
  mkdirSync(folder, { recursive: true });
  const libc = oldSymbols(find("libc.so.6"));
  const home = ({ name, moved }) =>
    Object.keys(merged).find((library) => moved && merged[library].test(name)) ?? "libc.so.6";
  const libraries = ["libc.so.6", ...Object.keys(merged)];
  for (const library of libraries)
    writeStub(
      compiler,
      folder,
      library,
      libc.filter((symbol) => home(symbol) === library),
    );
  writeStub(compiler, folder, "libm.so.6", oldSymbols(find("libm.so.6")));
  const loader = run(compiler, ["-dumpmachine"]).startsWith("aarch64")
    ? "ld-linux-aarch64.so.1"
    : "ld-linux-x86-64.so.2";
  const members = [...libraries.map((library) => join(folder, library)), find("libc_nonshared.a")];
  writeFileSync(join(folder, "libc.so"), `GROUP ( ${members.join(" ")} AS_NEEDED ( ${find(loader)} ) )\n`);
  writeFileSync(join(folder, "libm.so"), `INPUT ( ${join(folder, "libm.so.6")} )\n`);
}
