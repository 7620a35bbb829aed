// The gate of released Linux addons: loadable wherever their C library is as old as promised, and with no
// other library than that one.
import { basename } from "node:path";
import { atMost, dynamicSymbols, hasDebugSymbols, neededLibraries } from "./elf.mjs";
import { glibcLimit } from "./libc-stubs.mjs";

/** Libraries of each C library itself. */
const allowed = {
  glibc: /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc(\.musl-\w+)?\.so(\.1)?$/,
};

/** Returns what keeps an addon from loading where it should, a line each. */
export function symbolProblems(file, libc) {
  const problems = [];
  const strange = neededLibraries(file).filter((name) => !allowed[libc].test(name));
  if (strange.length > 0) problems.push(`needs ${strange.join(", ")}`);
  for (const { name, version, defined } of dynamicSymbols(file)) {
    if (defined || version === undefined) continue;
    const [, family, number] = /^(\w+?)_([\d.]+)$/.exec(version) ?? [undefined, version, "0"];
    if (family !== "GLIBC") problems.push(`needs ${name} of ${version}`);
    else if (libc === "musl") problems.push(`needs ${name} of ${version}, a symbol of glibc`);
    else if (!atMost(number, glibcLimit))
      problems.push(`needs ${name} of ${version}, newer than ${glibcLimit}`);
  }
  const exported = dynamicSymbols(file).filter(
    ({ defined, name }) =>
      defined && !/^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name),
  );
  if (exported.length > 0)
    problems.push(
      `exports ${exported
        .slice(0, 3)
        .map(({ name }) => name)
        .join(", ")} and ${exported.length} in all`,
    );
  if (hasDebugSymbols(file)) problems.push("is not stripped");
  return problems.map((problem) => `${basename(file)}: ${problem}`);
}
