// The effect of a `Predictor` on a service: how late its event loop is while volumes of 512 x 512 x 16 with 4
// classes are predicted in tiles (67 MB of probabilities each), beside the same in the service's own process
// and beside an idle loop; what a request costs, alone, over several processes and joined into runs; and that
// it survives the killing of its process.
//
//   node benchmarks/predictor.mjs [--volumes 3] [--requests 100] [--kills 100] [--threads 1] [--out FILE.md]
//
// Lateness is perf_hooks.monitorEventLoopDelay with a resolution of 1 ms: an idle loop shows that
// millisecond. On a machine with other work the loop also waits for a processor; the idle row, measured
// before, between and after, says how long.
import { writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { tensor } from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import { Network, Predictor, predict, runtimeVersion, unet2d, unet3d } from "@pixelcal/train";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    volumes: { type: "string", default: "3" },
    requests: { type: "string", default: "100" },
    kills: { type: "string", default: "100" },
    threads: { type: "string", default: "1" },
    out: { type: "string" },
  },
});
const [volumes, requests, kills, threads] = ["volumes", "requests", "kills", "threads"].map((key) =>
  Number(values[key]),
);

const noise = (dims) =>
  tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 0.37)),
    dims,
  );
const tiles = { tile: [16, 128, 128], overlap: 0.25 };
const volume = noise([1, 1, 16, 512, 512]);
const image = noise([1, 1, 128, 128]);
const network = serializeModel(unet3d({ classes: 4, base: 4 }).build([1, 1, 16, 128, 128]));
const small = serializeModel(unet2d({ classes: 2, base: 8 }).build([1, 1, 128, 128]));

const rows = [];

/** Measures the lateness of the event loop while `act` runs. */
async function lateness(title, act) {
  await sleep(200);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const [begun, used] = [performance.now(), process.cpuUsage()];
  await act();
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(used);
  histogram.disable();
  const ms = (nanoseconds) => (nanoseconds / 1e6).toFixed(1);
  const [p50, p99] = [50, 99].map((share) => ms(histogram.percentile(share)));
  rows.push([title, p50, p99, ms(histogram.max), seconds.toFixed(1), ((user + system) / 1e6).toFixed(1)]);
  console.log(rows.at(-1).join(" | "));
}

const idle = () => lateness("nothing", () => sleep(5000));

const before = loadavg()[0];
const service = await Predictor.open({ model: network, threads, ...tiles, warmUp: [1, 1, 16, 128, 128] });
await idle();
await lateness(`Predictor, ${volumes} volumes`, async () => {
  for (let i = 0; i < volumes; i++) await service.predict(volume);
});
await idle();
await service.close();

const inside = new Network({ model: network, threads });
await lateness("the same in this process, 1 volume", async () => {
  await predict(inside, tensor("float32", volume.data, volume.dims.slice(1)), tiles);
});
await inside.close();
await idle();

const quick = await Predictor.open({ model: small, threads, warmUp: image.dims });
await lateness(`Predictor, ${requests} images of 128 x 128`, async () => {
  for (let i = 0; i < requests; i++) await quick.predict(image);
});
const { latency } = quick.statistics();
const own = new Network({ model: small, threads });
const times = [];
for (let i = 0; i <= requests; i++) {
  const begun = performance.now();
  await own.predict(image);
  if (i > 0) times.push(performance.now() - begun);
}
await own.close();
const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

/** Requests in a second, all made at once, with several processes and with joined requests. */
const parallel = [];
for (const [processes, size] of [
  [1, 1],
  [1, 8],
  [2, 1],
  [2, 8],
]) {
  const predictor = await Predictor.open({
    model: small,
    processes,
    threads,
    batch: { size },
    whenFull: "wait",
    warmUp: image.dims,
  });
  const begun = performance.now();
  await Promise.all(Array.from({ length: requests }, () => predictor.predict(image)));
  const seconds = (performance.now() - begun) / 1000;
  const { runs, latency } = predictor.statistics();
  parallel.push([processes, size, (requests / seconds).toFixed(0), latency.p99.toFixed(0), runs]);
  console.log(parallel.at(-1).join(" | "));
  await predictor.close();
}

let crashed = 0;
let answered = 0;
const recovery = [];
await lateness(`Predictor, killed ${kills} times`, async () => {
  for (let i = 0; i < kills; i++) {
    const failing = quick.predict(image).catch(({ code }) => {
      if (code === "ERR_PIXELCAL_PREDICTOR_CRASHED") crashed += 1;
    });
    await sleep(1);
    process.kill(quick.health().processes[0].pid, "SIGKILL");
    await failing;
    const begun = performance.now();
    await quick.predict(image);
    recovery.push(performance.now() - begun);
    answered += 1;
  }
});
await quick.close();

const options = ["volumes", "requests", "kills", "threads"].map((key) => `--${key} ${values[key]}`).join(" ");
const middle = recovery.toSorted((a, b) => a - b)[Math.floor(recovery.length / 2)] ?? Number.NaN;
const report = `# The event loop beside a Predictor

Lateness of the event loop of the calling process in ms (\`monitorEventLoopDelay\`, resolution 1 ms, which an idle loop
shows), while a U-Net 3-D base 4 predicts volumes of 512 x 512 x 16 into 4 classes (67 MB of probabilities) in tiles of
128 x 128 x 16, and a U-Net 2-D base 8 images of 128 x 128.

| meanwhile | p50 | p99 | max | seconds | CPU s of this process |
|---|--:|--:|--:|--:|--:|
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}

An image of 128 x 128 takes ${latency.p50.toFixed(1)} ms there and back (p99 ${latency.p99.toFixed(1)}), ${median.toFixed(1)} ms in the calling process.
The same ${requests} images, all requested at once:

| processes | batch size | requests / s | p99 ms | runs |
|--:|--:|--:|--:|--:|
${parallel.map((row) => `| ${row.join(" | ")} |`).join("\n")}

Of ${kills} processes killed in the middle of a request or before it, ${crashed} requests failed as crashed and ${answered} of the
next ${kills} were answered, after ${middle.toFixed(0)} ms (median: a new process, the model loaded, one image for warming up).

\`node benchmarks/predictor.mjs ${options}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, ${platform()} ${arch()}, load average ${before.toFixed(1)} before and
${loadavg()[0].toFixed(1)} after. onnxruntime-node ${await runtimeVersion()}, Node ${process.versions.node}, commit ${commit()}.
`;
if (values.out) writeFileSync(values.out, report);
else console.log(report);
