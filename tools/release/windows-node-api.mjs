// Node's functions for an addon that is linked where there is no Windows: each jumps to the function of its
// name in the running program, found when the addon is loaded. So it also loads in programs that are not
// called node.exe, such as Electron.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const manifest = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "native", "package.json");
const headers = dirname(createRequire(manifest).resolve("node-api-headers/package.json"));

/** Writes the functions into a folder and returns the path of their C++ source. */
export function writeWindowsNodeApi(folder) {
  const definitions = readFileSync(join(headers, "def", "node_api.def"), "utf8");
  const names = [...definitions.matchAll(/^(?:napi|node_api)_\w+/gm)].map(String);
  const source = `#include <windows.h>
${names
  .map(
    (name) => `__asm__(".data\\n.globl __imp_${name}\\n__imp_${name}: .quad 0\\n"
        ".text\\n.globl ${name}\\n${name}: jmpq *__imp_${name}(%rip)\\n");
extern "C" void* __imp_${name};`,
  )
  .join("\n")}

namespace {

struct Function {
  const char* name;
  void** address;
};

const Function functions[] = {
${names.map((name) => `    {"${name}", &__imp_${name}},`).join("\n")}
};

// A function that this Node lacks stays null: the addon calls none that is newer than the Node-API it names.
__attribute__((constructor)) void Resolve() {
  const HMODULE program = GetModuleHandleW(nullptr);
  for (const auto& [name, address] : functions)
    *address = reinterpret_cast<void*>(GetProcAddress(program, name));
}

}  // namespace
`;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "node_api.cc");
  writeFileSync(path, source);
  return path;
}
