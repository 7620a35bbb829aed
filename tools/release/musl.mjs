// A JavaScript runtime on musl, on a machine with glibc: Bun's, which is the only one among the packages,
// with Debian's musl. Debian has no C++ library for it, so it gets that of this machine, and the few
// functions which that one needs of glibc alone.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fetched } from "../fetched.mjs";

const cache = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), ".cache", "musl");
const processors = {
  x64: { name: "x86_64", loader: "ld-linux-x86-64.so.2", debian: "musl" },
  arm64: { name: "aarch64", loader: "ld-linux-aarch64.so.1", debian: "musl:arm64" },
};

/** The functions that the C++ library and its helper need, and musl has not; Bun unwinds no stack. */
const missing = `#include <stddef.h>
int _dl_find_object(void* address, void* result) { return -1; }
int __cpu_model[4], __cpu_features2[4];
int __cpu_indicator_init(void) { return 0; }
char __libc_single_threaded = 0;
size_t strftime_l(char*, size_t, const char*, const void*, void*);
size_t __strftime_l(char* s, size_t n, const char* form, const void* time, void* locale) {
  return strftime_l(s, n, form, time, locale);
}
int __cxa_thread_atexit_impl(void (*run)(void*), void* object, void* library) { return 0; }
long getrandom(void*, size_t, unsigned);
unsigned arc4random(void) {
  unsigned value;
  getrandom(&value, sizeof value, 0);
  return value;
}
unsigned long getauxval(unsigned long);
unsigned long __getauxval(unsigned long type) { return getauxval(type); }
`;

/** Returns a folder with the C++ library for musl, made once. */
function libraries(cpu, compiler) {
  const folder = join(cache, cpu);
  const { loader } = processors[cpu];
  if (existsSync(join(folder, loader))) return folder;
  mkdirSync(folder, { recursive: true });
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
    const { stdout } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" });
    copyFileSync(stdout.trim(), join(folder, name));
  }
  const source = join(folder, "missing.c");
  writeFileSync(source, missing);
  const options = ["-shared", "-fPIC", "-nostdlib", "-x", "c", source, `-Wl,-soname,${loader}`];
  const { status, stderr } = spawnSync(compiler, [...options, "-o", join(folder, loader)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${source}: ${stderr}`);
  return folder;
}

/**
 * Returns the command that runs a script on musl by a processor, and its environment; `emulator` is the
 * command that runs programs of that processor, if it is not this machine's. Returns `{ missing }` where it
 * cannot.
 */
export function muslRuntime(cpu, emulator = []) {
  const { name, loader, debian } = processors[cpu];
  const compiler = `${name}-linux-gnu-g++`;
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).status !== 0) return { missing: compiler };
  if (!existsSync(`/lib/ld-musl-${name}.so.1`))
    return {
      missing: `musl; on Debian: apt install ${debian}${cpu === process.arch ? "" : ` after dpkg --add-architecture ${cpu}`}`,
    };
  const bun = fetched(`@oven/bun-linux-${cpu === "x64" ? cpu : name}-musl`, "1.4.5", "bin/bun", ["--force"]);
  if (bun === undefined) return { missing: "Bun for musl, from the registry" };
  const folder = libraries(cpu, compiler);
  const settings = { LD_LIBRARY_PATH: folder, LD_PRELOAD: join(folder, loader) };
  if (emulator.length === 0) return { command: [bun], env: { ...process.env, ...settings } };
  const emulated = Object.entries(settings).flatMap(([key, value]) => ["-E", `${key}=${value}`]);
  return { command: [...emulator, ...emulated, bun] };
}
