import { describe, expect, test, vi } from "vitest";
import { launch } from "./launcher.js";
import { World, type WorldOptions } from "./world.js";

describe("a process on its own", () => {
  test("is a world of one that needs no MPI", async () => {
    const world = World.open();
    expect([world.rank, world.size, world.library]).toEqual([0, 1, undefined]);
    const numbers = Float32Array.of(1, 2);
    await world.allReduce([numbers], { op: "mean" });
    await world.broadcast([numbers]);
    await world.barrier();
    expect([...numbers]).toEqual([1, 2]);
    const bytes = Uint8Array.of(5);
    const [own] = (await world.gather(bytes))!;
    expect(own).toEqual(bytes);
    expect(own).not.toBe(bytes);
    expect(await world.allGather({ text: "\u00e9" })).toEqual([{ text: "\u00e9" }]);
    const dealt: number[] = [];
    for await (const number of world.deal(3)) dealt.push(number);
    expect(dealt).toEqual([0, 1, 2]);
    await world.close();
    await expect(world.barrier()).rejects.toMatchObject({ code: "ERR_PIXELCAL_MPI" });
  });

  const world = World.open();
  type Reduced = Parameters<World["allReduce"]>[0];
  test.each<[string, () => Promise<unknown>]>([
    ["arrays: expected a list of Float32Array", () => world.allReduce({} as Reduced, { op: "sum" })],
    [
      "arrays[1]: expected Float32Array, Float64Array or Int32Array",
      () => world.allReduce([new Float32Array(1), new Uint8Array(1)] as Reduced, { op: "sum" }),
    ],
    ["op: expected sum or mean, got max", () => world.allReduce([], { op: "max" as "sum" })],
    [
      "weights: expected 1 numbers of 0 or more, one above 0, got [0]",
      () => world.allReduce([], { op: "mean", weights: [0] }),
    ],
    ["weights: only for op mean", () => world.allReduce([], { op: "sum", weights: [1] })],
    ["op: expected sum for int32", () => world.allReduce([new Int32Array(1)], { op: "mean" })],
    ["root: expected a rank from 0 to 0, got 1", () => world.broadcast([], 1)],
    ["arrays[0]: expected typed arrays", () => world.broadcast([[]] as never)],
    ["bytes: expected a Uint8Array", () => world.gather("text" as never)],
    ["own: expected a value that JSON can hold", () => world.allGather(undefined)],
    ["count: expected an integer of 0 or more, got -1", () => world.deal(-1).next()],
  ])("refuses %s", async (message, call) => {
    await expect(call()).rejects.toThrow(message);
  });

  test.each<[string, WorldOptions | undefined, string]>([
    ["heartbeat: expected seconds from 1 to 86400, or 0, got 0.5", { heartbeat: 0.5 }, ""],
    ["PIXELCAL_HEARTBEAT: expected seconds from 1 to 86400, or 0, got soon", undefined, "soon"],
  ])("refuses %s", (message, options, variable) => {
    vi.stubEnv("PIXELCAL_HEARTBEAT", variable);
    expect(() => World.open(options)).toThrow(message);
    vi.unstubAllEnvs();
  });
});

describe("what started this process", () => {
  test.each<[string, Record<string, string>, number | undefined]>([
    ["nothing", {}, undefined],
    ["Open MPI", { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4" }, 4],
    ["MPICH", { PMI_RANK: "0", PMI_SIZE: "2" }, 2],
    ["srun", { SLURM_PROCID: "7", SLURM_STEP_NUM_TASKS: "8", SLURM_NTASKS: "8" }, 8],
    // sbatch runs the script itself once, as a process on its own.
    ["a batch script", { SLURM_PROCID: "0", SLURM_NTASKS: "8" }, undefined],
    ["half a launcher", { PMI_RANK: "0" }, undefined],
    ["no numbers", { PMI_RANK: "0", PMI_SIZE: "many" }, undefined],
    ["a rank beyond the size", { PMI_RANK: "2", PMI_SIZE: "2" }, undefined],
  ])("%s", (_, environment, size) => {
    expect(launch(environment)?.size).toBe(size);
  });

  test("a launcher without the binding is an error that says how to make it", () => {
    vi.stubEnv("PMI_RANK", "0");
    vi.stubEnv("PMI_SIZE", "2");
    vi.stubEnv("PIXELCAL_MPI_ADDON", "/nowhere/pixelcal_mpi.node");
    expect(() => World.open()).toThrow(/^\/nowhere\/pixelcal_mpi.node: no MPI binding; install MPI/);
    vi.unstubAllEnvs();
  });
});
