import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installedAddon } from "./addon.js";
import { MpiError } from "./errors.js";

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The sources of the binding and the folders of its headers: those of the package, or of a checkout. */
function sources(): { readonly mpi: string; readonly includes: readonly string[] } {
  const packed = folder("../native");
  if (existsSync(join(packed, "mpi")))
    return { mpi: join(packed, "mpi"), includes: [packed, join(packed, "include")] };
  const checkout = folder("../../../native");
  const modules = join(checkout, "node_modules");
  return {
    mpi: join(checkout, "src", "mpi"),
    includes: [
      join(checkout, "src"),
      join(modules, "node-addon-api"),
      join(modules, "node-api-headers", "include"),
    ],
  };
}

/**
 * Compiles the binding of the MPI whose C++ compiler is named, and returns its file. Throws `MpiError` with
 * the compiler's messages.
 */
export function buildBinding({
  compiler = process.env.MPICXX || "mpicxx",
  out = installedAddon,
}: {
  readonly compiler?: string | undefined;
  readonly out?: string | undefined;
} = {}): string {
  const { mpi, includes } = sources();
  const names = readdirSync(mpi).filter((name) => name.endsWith(".cc"));
  mkdirSync(dirname(out), { recursive: true });
  const { error, status, stderr } = spawnSync(
    compiler,
    [
      ...["-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"],
      ...["-DNAPI_VERSION=8", "-DNAPI_CPP_EXCEPTIONS", "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      // The C++ bindings of MPI, which the standard no longer has.
      ...["-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX"],
      ...(process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : ["-Wl,-z,nodelete"]),
      ...includes.flatMap((include) => ["-I", include]),
      ...names.map((name) => join(mpi, name)),
      ...["-o", out],
    ],
    { encoding: "utf8" },
  );
  if (error !== undefined)
    throw new MpiError(
      `${compiler}: cannot be run (${(error as NodeJS.ErrnoException).code}); install MPI with its compiler ` +
        "(on Debian: apt install g++ openmpi-bin libopenmpi-dev, or g++ mpich), or name it with --compiler",
      { cause: error },
    );
  if (status !== 0) throw new MpiError(`${compiler} failed:\n${stderr.trim()}`);
  return out;
}
