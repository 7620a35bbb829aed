// Measures how long GET /health of examples/scoring-service takes while it scores: every 10 ms, from a thread
// of its own, alone and beside scorings that keep the service as busy as it lets itself be. Wall time, with
// the load of the machine and the processor time of the service beside it.
//
//   node benchmarks/service.mjs [--scorings 2000] [--size 256] [--classes 2] [--out FILE.md]
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const self = fileURLToPath(import.meta.url);

/** Sends a request and returns its status when the answer is over. */
function answered(options, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", ...options }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    sent.on("error", reject).end(body);
  });
}

/** Measures until it is told to stop, then posts the times in milliseconds. */
async function probe(port) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  let going = true;
  parentPort.once("message", () => {
    going = false;
  });
  while (going) {
    const begun = performance.now();
    const status = await answered({ port, path: "/health", agent });
    if (status !== 200) throw new Error(`/health answers ${status}`);
    times.push(performance.now() - begun);
    await sleep(10);
  }
  parentPort.postMessage(times);
  agent.destroy();
}

/** Returns the times of /health while `run` is awaited. */
async function timesBeside(port, run) {
  const worker = new Worker(self, { workerData: port });
  const times = new Promise((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  const failed = new Promise((_, reject) => worker.once("error", reject));
  await Promise.race([run(), failed]);
  worker.postMessage("stop");
  return times;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const quantile = (times, q) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(q * times.length))];

async function main() {
  // Not for the probe: its thread stays small.
  const { zeros } = await import("@pixelcal/core");
  const { encodeNpz } = await import("@pixelcal/io");
  const { commit } = await import("./checkout.mjs");
  const { values } = parseArgs({
    options: {
      scorings: { type: "string", default: "2000" },
      size: { type: "string", default: "256" },
      classes: { type: "string", default: "2" },
      out: { type: "string" },
    },
  });
  const [scorings, size, classes] = [values.scorings, values.size, values.classes].map(Number);
  const port = await freePort();
  const program = join(self, "..", "..", "examples", "scoring-service", "dist", "main.js");
  const args = [program, "--port", String(port), "--classes", String(classes)];
  const service = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    for (let tries = 0; ; tries++) {
      const status = await answered({ port, path: "/health" }).catch(() => 0);
      if (status === 200) break;
      if (tries > 300) throw new Error("the service does not answer");
      await sleep(100);
    }
    const probs = zeros("float32", [classes, size, size]);
    const label = zeros("uint8", [size, size]);
    const pixels = size * size;
    for (let i = 0; i < pixels; i++) {
      label.data[i] = ((i >> 6) + (i >> 13)) % classes;
      probs.data[label.data[i] * pixels + i] = 0.6 + (i % 97) / 300;
      probs.data[((label.data[i] + 1) % classes) * pixels + i] = 0.4 - (i % 97) / 300;
    }
    const body = Buffer.from(await encodeNpz({ probs, label }));
    const headers = { "content-type": "application/octet-stream", "content-length": body.length };
    const agent = new Agent({ keepAlive: true });
    const options = { port, path: "/v1/score?name=a", method: "POST", headers, agent };
    const before = loadavg()[0];
    const alone = await timesBeside(port, () => sleep(5000));
    let [left, refused] = [scorings, 0];
    const client = async () => {
      while (left > 0) {
        left -= 1;
        let status = await answered(options, body);
        for (; status === 503; refused++) {
          await sleep(5);
          status = await answered(options, body);
        }
        if (status !== 200) throw new Error(`a scoring answers ${status}`);
      }
    };
    const begun = performance.now();
    const busy = await timesBeside(port, () => Promise.all(Array.from({ length: 12 }, client)));
    const seconds = (performance.now() - begun) / 1000;
    agent.destroy();
    const row = (name, times) =>
      `| ${name} | ${times.length} | ${[0.5, 0.95, 0.99, 1].map((q) => quantile(times, q).toFixed(1)).join(" | ")} |`;
    const report = `# The scoring service's /health beside scorings

| \`GET /health\`, ms | requests | median | 95th percentile | 99th percentile | longest |
|---|--:|--:|--:|--:|--:|
${row("alone", alone)}
${row(`beside ${scorings} scorings of ${size} x ${size}, ${classes} classes`, busy)}

${(scorings / seconds).toFixed(0)} scorings a second, from 12 clients that the service refused ${refused} times.

\`node benchmarks/service.mjs --scorings ${scorings} --size ${size} --classes ${classes}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, which clients and service share; load average ${before.toFixed(1)} before and
${loadavg()[0].toFixed(1)} after. Node ${process.versions.node}, commit ${commit()}.
`;
    console.log(report);
    if (values.out !== undefined) writeFileSync(values.out, report);
  } finally {
    service.kill("SIGTERM");
  }
}

if (isMainThread) await main();
else await probe(workerData);
