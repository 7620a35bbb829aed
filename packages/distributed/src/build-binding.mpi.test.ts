import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { buildBinding } from "./build-binding.js";
import { mpirun, noMpi, valuesOf } from "./testing/index.js";

const program = fileURLToPath(new URL("../test/ranks.mjs", import.meta.url));

test.skipIf(noMpi !== undefined)(
  `a binding that is compiled on request serves jobs${noMpi ? `: ${noMpi}` : ""}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "pixelcal-mpi-"));
    try {
      const out = buildBinding({ out: join(folder, "own", "mpi.node") });
      const job = await mpirun(2, [program, "weights2"], { PIXELCAL_MPI_ADDON: out });
      expect(valuesOf(job)).toEqual([0.75, 0.75]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("names the compiler that is missing", () => {
  expect(() => buildBinding({ compiler: "no-such-mpicxx", out: join(tmpdir(), "none.node") })).toThrow(
    "no-such-mpicxx: cannot be run (ENOENT); install MPI with its compiler",
  );
});
