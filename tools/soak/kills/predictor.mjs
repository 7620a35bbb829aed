// The process of a Predictor is killed while requests run, wait or have ended: no answer is wrong, and only
// the request in progress is lost.
import { core, train } from "../dist.mjs";
import { must, patience } from "./broken.mjs";

const model = train.unet2d({ classes: 3, base: 4, seed: 1 }).build([1, 1, 64, 64]);
const images = Array.from({ length: 4 }, (_, k) =>
  core.tensor(
    "float32",
    Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * (k + 1) * 0.01)),
    [1, 1, 64, 64],
  ),
);

let predictor;
let expected;
async function prepare() {
  predictor = await train.Predictor.open({ model, threads: 1 });
  expected = await Promise.all(images.map((image) => predictor.predict(image)));
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function run(random) {
  if (predictor === undefined) await prepare();
  const requests = Array.from({ length: 8 }, () => random.integer(images.length));
  const answers = Promise.allSettled(requests.map((k) => predictor.predict(images[k])));
  const idle = random.oneIn(5);
  if (idle) await answers;
  await pause(random.integer(15));
  const { pid } = predictor.health().processes[0];
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  const settled = [...(await answers)];
  // Another request at once: killing an idle process loses nothing.
  requests.push(0);
  settled.push(...(await Promise.allSettled([predictor.predict(images[0])])));
  const lost = settled.filter(({ status }) => status === "rejected");
  for (const { reason } of lost)
    must(
      reason?.code === "ERR_PIXELCAL_PREDICTOR_CRASHED",
      `a request failed with ${reason?.stack ?? reason}`,
    );
  must(
    lost.length <= (idle ? 0 : 1),
    `${lost.length} requests were lost by one kill${idle ? " of an idle process" : ""}`,
  );
  settled.forEach(({ value }, i) => {
    if (value === undefined) return;
    const right = expected[requests[i]];
    must(value.dims.join() === right.dims.join(), `an answer of dims ${value.dims}`);
    must(
      value.data.every((number, k) => number === right.data[k]),
      "an answer is another image's",
    );
  });
}

export const predictorKills = {
  name: "kill-predictor",
  kind: "kills",
  share: 1 / 6,
  rate: 0.5,
  budget: patience,
  make: (random) => random,
  run,
};
