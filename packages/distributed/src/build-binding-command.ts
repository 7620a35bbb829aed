#!/usr/bin/env node
import { parseArgs } from "node:util";
import { buildBinding } from "./build-binding.js";

const usage = `pixelcal-build-mpi [--compiler mpicxx] [--out FILE]

Compiles the binding of this machine's MPI for @pixelcal/distributed: into the package, or to FILE, which
PIXELCAL_MPI_ADDON then names. The compiler is that of MPICXX of the environment, or mpicxx.`;

try {
  const { values } = parseArgs({
    options: { compiler: { type: "string" }, out: { type: "string" }, help: { type: "boolean" } },
  });
  console.log(values.help ? usage : `${buildBinding(values)} is the binding of this machine's MPI`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
