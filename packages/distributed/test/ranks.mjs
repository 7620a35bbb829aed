// A process of the tests' jobs: does what its arguments name, one after the other (`what` or
// `what:argument`), with the built package, and prints a line of JSON for each, rank first.
import { createHash } from "node:crypto";
import { World } from "../dist/index.js";

let what;
const world = World.open();
const { rank, size } = world;
const say = (value) => process.stdout.write(`${JSON.stringify({ rank, what, value })}\n`);

/** Returns numbers that differ from rank to rank and have no exact sum. */
const numbers = (Type, length, of, seed) =>
  Type.from({ length }, (_, i) =>
    Type === Int32Array ? 1000 * of + i : Math.sin(i * 7.3 + of * 11.1 + seed),
  );
const hash = (arrays) => {
  const digest = createHash("sha256");
  for (const array of arrays) digest.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return digest.digest("hex").slice(0, 16);
};

/** Lengths of a list of arrays: empty ones, short ones, and more than one slice of one process. */
const lengths = [0, 1, 7, 300_001, 0, 4096, 70_000];

const programs = {
  async identity() {
    say([rank, size, world.library]);
  },
  async allReduce(op) {
    const arrays = (of) => [
      ...lengths.map((length, seed) => numbers(Float32Array, length, of, seed)),
      // A view that begins inside its buffer.
      numbers(Float64Array, 1001, of, 0.5).subarray(1),
      ...(op === "sum" ? [numbers(Int32Array, 33, of, 0)] : []),
    ];
    const mine = arrays(rank);
    await world.allReduce(mine, { op });
    // The slow, obvious twin: one sum in the order of ranks, in double precision.
    const all = Array.from({ length: size }, (_, of) => arrays(of));
    const wrong = mine.flatMap((array, k) => {
      const expected = array.constructor.from(array, (_, i) => {
        let sum = 0;
        for (const one of all) sum += one[k][i];
        return op === "mean" ? sum / size : sum;
      });
      return array.every((value, i) => Object.is(value, expected[i])) ? [] : [k];
    });
    say([wrong, hash(mine)]);
  },
  // Process 1 counts nothing; what it holds is no number.
  async weights() {
    const own = Float32Array.of(rank === 1 ? Number.NaN : rank + 1, 0.1);
    await world.allReduce([own], { op: "mean", weights: [1, 0, 3] });
    say([own[0], own[1] === Math.fround(0.1)]);
  },
  async weights2() {
    const own = Float64Array.of(rank);
    await world.allReduce([own], { op: "mean", weights: [1, 3] });
    say(own[0]);
  },
  async overflow() {
    const caught = await world.allReduce([Int32Array.of(2 ** 30)], { op: "sum" }).catch((error) => error);
    // The world goes on after it.
    const after = Float32Array.of(1);
    await world.allReduce([after], { op: "sum" });
    say([caught.code, caught.message, after[0]]);
  },
  async broadcast(root) {
    const arrays = [new Uint8Array(3), new Float32Array(100_000), new BigInt64Array(2)];
    if (rank === Number(root)) for (const [k, value] of [7, 0.25, -3n].entries()) arrays[k].fill(value);
    await world.broadcast(arrays, Number(root));
    say([[...arrays[0]], arrays[1].every((value) => value === 0.25), String(arrays[2][1])]);
  },
  async gather() {
    const all = await world.gather(Buffer.from("x".repeat(rank * 100_000)));
    say(all === undefined ? "none" : all.map(({ length }) => length));
  },
  async allGather() {
    say(await world.allGather({ rank, text: "\u00e9".repeat(rank) }));
  },
  async deal() {
    const mine = [];
    for await (const number of world.deal(23)) {
      mine.push(number);
      await new Promise((done) => setTimeout(done, rank === 1 ? 60 : 2));
    }
    const second = [];
    for await (const number of world.deal(3)) second.push(number);
    say([mine, second]);
  },
  // A timer goes on while a call waits for the slowest process.
  async free() {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    if (rank === size - 1) await new Promise((done) => setTimeout(done, 500));
    await world.barrier();
    clearInterval(timer);
    say(ticks > 20);
  },
  async abort() {
    if (rank === 1) world.abort(7);
    await world.barrier();
  },
  async throws() {
    if (rank === 1) throw new Error("rank 1 cannot go on");
    await world.barrier();
  },
  async dies(chosen) {
    if (rank === Number(chosen)) process.kill(process.pid, "SIGKILL");
    await world.barrier();
  },
  async stops(chosen) {
    if (rank === Number(chosen)) process.kill(process.pid, "SIGSTOP");
    await world.barrier();
  },
  // A long native call is no hang.
  async works() {
    const until = performance.now() + 2500;
    await world.working(async () => {
      while (performance.now() < until);
    });
    await world.barrier();
    say("worked");
  },
  async hangs(chosen) {
    if (rank === Number(chosen)) for (;;);
    await world.barrier();
  },
  async closed() {
    await world.close();
    const caught = await world.barrier().catch((error) => error);
    say([caught.code, caught.message]);
  },
};
for (what of process.argv.slice(2)) {
  const [name, argument] = what.split(":");
  await programs[name](argument);
}
await world.close();
