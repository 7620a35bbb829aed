import { existsSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MpiError } from "./errors.js";

/** The compiled binding (`native/src/mpi/addon.cc`), whose calls run on its MPI thread. */
export interface MpiAddon {
  start(limitMilliseconds: number): {
    readonly rank: number;
    readonly size: number;
    readonly library: string;
  };
  alive(): void;
  /** Says whether the event loop may stand still for now. */
  working(working: boolean): void;
  barrier(): Promise<void>;
  broadcast(arrays: readonly ArrayBufferView[], root: number): Promise<void>;
  /** Without weights, one per rank, a sum; else a mean. */
  allReduce(arrays: readonly ArrayBufferView[], weights: readonly number[]): Promise<void>;
  gather(bytes: Uint8Array): Promise<readonly Uint8Array[] | undefined>;
  take(queue: number): Promise<number>;
  finish(): Promise<void>;
  abort(code: number): never;
}

const built = fileURLToPath(new URL("../../../native/build/Release/pixelcal_mpi.node", import.meta.url));
/** The place of a binding that `pixelcal-build-mpi` has compiled. */
export const installedAddon: string = fileURLToPath(new URL("../native/pixelcal_mpi.node", import.meta.url));

/**
 * Returns the file of the binding: the one that PIXELCAL_MPI_ADDON names, the one that was compiled in the
 * package, or the build of this checkout.
 */
export function addonFile(): string {
  const named = process.env.PIXELCAL_MPI_ADDON;
  if (named !== undefined && named !== "") return resolve(named);
  return existsSync(built) ? built : installedAddon;
}

/** Loads the binding. Throws `MpiError` that says how to make it. */
export function loadAddon(): MpiAddon {
  const file = addonFile();
  if (!existsSync(file)) {
    throw new MpiError(
      `${file}: no MPI binding; install MPI with its compiler (on Debian: apt install openmpi-bin ` +
        "libopenmpi-dev), then run `npx pixelcal-build-mpi`, or in a checkout of PixelCal `npm run build`; " +
        "PIXELCAL_MPI_ADDON names a binding elsewhere",
    );
  }
  // UCX, below many an MPI, rewrites the C library's memory functions while V8's threads may run in them. It
  // needs that only to keep memory registered between messages.
  process.env.UCX_MEM_EVENTS ??= "no";
  const module = { exports: {} as MpiAddon };
  try {
    // The library loads components of its own, which look for its symbols among the global ones.
    process.dlopen(module, file, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  } catch (cause) {
    throw new MpiError(
      `${file}: cannot be loaded, perhaps because it was built with another MPI than this machine has: ` +
        `${(cause as Error).message}`,
      { cause },
    );
  }
  return module.exports;
}
