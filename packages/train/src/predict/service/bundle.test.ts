// A service in one file, as esbuild makes it: only the native packages stay outside, and the Predictor's
// program is a bundle too. The bundles run where nothing else is installed.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildResult, build, type Format } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Predictor } from "./predictor.js";

const packages = fileURLToPath(new URL("../../../../", import.meta.url));
/** Gives yazl, CommonJS inside an ESM bundle, the function that it loads Node's modules with. */
const requireBanner = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);`;
const external = ["@pixelcal/native", "onnxruntime-node"];

const service = `
  import { OverlapMetric, tensor } from "@pixelcal/core";
  import { networkDeviceProblem, Predictor, unet2d } from "@pixelcal/train";

async function main(childProgram, trial) {
  if (trial) console.log(await networkDeviceProblem("cpu", { childProgram: trial }));
  const model = unet2d({ classes: 2, base: 2, seed: 1 }).build([1, 1, 16, 16]);
  const predictor = await Predictor.open({ model, threads: 1, ...(childProgram && { childProgram }) });
  const probs = await predictor.predict(tensor("float32", new Float32Array(256), [1, 1, 16, 16]));
  const metric = new OverlapMetric({ classes: 2 });
  await metric.update(probs, tensor("uint8", new Uint8Array(256), [1, 16, 16]));
  console.log(probs.dims.join(), metric.compute().cases);
  await predictor.close();
}
main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error.code, error.message);
  process.exitCode = 1;
});`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-bundle-"));
  const scope = join(folder, "node_modules", "@pixelcal");
  await mkdir(scope, { recursive: true });
  for (const name of ["core", "train"]) await symlink(join(packages, name), join(scope, name));
  await writeFile(join(folder, "service.mjs"), service);
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles the service and the Predictor's program into a folder that has the native packages only. */
async function bundled(format: Format, extension: string): Promise<string> {
  const outdir = join(folder, format);
  const outside = join(outdir, "node_modules");
  await mkdir(join(outside, "@pixelcal"), { recursive: true });
  await symlink(join(dirname(packages), "native"), join(outside, "@pixelcal", "native"));
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  await symlink(runtime, join(outside, "onnxruntime-node"));
  const result: BuildResult = await build({
    absWorkingDir: folder,
    entryPoints: {
      service: "service.mjs",
      child: "@pixelcal/train/child",
      trial: "@pixelcal/train/device-trial",
    },
    outdir,
    outExtension: { ".js": extension },
    bundle: true,
    platform: "node",
    target: "node20",
    format,
    external,
    ...(format === "esm" && { banner: { js: requireBanner } }),
    logLevel: "silent",
  });
  expect(result.errors).toEqual([]);
  return outdir;
}

const run = (outdir: string, extension: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [join(outdir, `service${extension}`), ...args], {
    encoding: "utf8",
    cwd: outdir,
  });

it.each([
  ["esm", ".mjs"],
  ["cjs", ".cjs"],
] as const)("runs from a bundle of format %s", async (format, extension) => {
  const outdir = await bundled(format, extension);
  const child = join(outdir, `child${extension}`);
  expect(run(outdir, extension, child)).toMatchObject({ status: 0, stderr: "", stdout: "1,2,16,16 1\n" });
  const trial = join(outdir, `trial${extension}`);
  expect(run(outdir, extension, child, trial)).toMatchObject({
    status: 0,
    stderr: "",
    stdout: "undefined\n1,2,16,16 1\n",
  });
  const without = run(outdir, extension);
  expect(without.stderr).toBe(
    "ERR_PIXELCAL_INVALID_ARGUMENT childProgram: required where a bundler moved this package: " +
      "the path of @pixelcal/train/child or a bundle of it\n",
  );
  // A folder with a space, as users have.
  const moved = join(folder, `my ${format}`);
  await cp(outdir, moved, { recursive: true, verbatimSymlinks: true });
  const path = join(moved, `child${extension}`);
  expect(run(moved, extension, path)).toMatchObject({ status: 0, stdout: "1,2,16,16 1\n" });
});

it("refuses a program that is no file", async () => {
  for (const childProgram of ["", folder, join(folder, "none.mjs"), 3 as never])
    await expect(Predictor.open({ model: new Uint8Array(1), childProgram })).rejects.toThrow(
      "childProgram: expected the path of a file, got",
    );
});
