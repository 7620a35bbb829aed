import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CalibrationMetric } from "@pixelcal/core";
import { afterEach, expect, test } from "vitest";
import { healthUntil, hold } from "./http.test.helper.js";
import { archive, stateOf, testCase } from "./phantoms.test.helper.js";

// The program as it is deployed; `npm run build` makes it.
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

interface Service {
  readonly url: string;
  readonly process: ChildProcess;
  /** The exit code. */
  readonly ended: Promise<number | null>;
}

const children: ChildProcess[] = [];
// A test that fails leaves no process behind.
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function started(...args: readonly string[]): Promise<Service> {
  const child = spawn(process.execPath, [main, "--port", "0", "--classes", "4", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const line = String((await once(child.stdout!, "data"))[0]);
  const [, url] = /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line) ?? [];
  expect(url, line).toBeDefined();
  return { url: url!, process: child, ended };
}

/** Scores cases over connections of their own, which the cluster hands to its workers in turn. */
async function scoreAll(url: string, seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    const body = await archive(testCase(seed));
    const headers = { "content-type": "application/octet-stream", connection: "close" };
    const answer = await fetch(`${url}/v1/score`, { method: "POST", body, headers });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
}

async function stateAt(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`${url}/v1/state`)).arrayBuffer());
}

/** Returns the state of the cases in one process. */
async function merged(seeds: readonly number[]): Promise<Uint8Array> {
  const [first, ...rest] = await Promise.all(seeds.map((seed) => stateOf(testCase(seed))));
  const whole = CalibrationMetric.restore(first!);
  for (const state of rest) whole.merge(CalibrationMetric.restore(state));
  return whole.state();
}

const pids = async (url: string): Promise<ReadonlySet<number>> => {
  const found = new Set<number>();
  for (let i = 0; i < 8; i++) {
    // A connection that was on its way to a worker when it was killed is never answered.
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(`${url}/health`, { headers: { connection: "close" }, signal });
    found.add(((await answer.json()) as { pid: number }).pid);
  }
  return found;
};

test("workers share a port and one ledger, which outlives them; SIGTERM ends all", async () => {
  const service = await started("--workers", "2");
  const before = await pids(service.url);
  expect(before.size).toBe(2);
  const seeds = [1, 2, 3, 4, 5, 6];
  await scoreAll(service.url, seeds);
  expect(await stateAt(service.url)).toEqual(await merged(seeds));
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/^pixelcal_window_cases 6$/m);
  expect(metrics).toMatch(/^http_requests_total\{route="\/v1\/score",status="200"\} 6$/m);

  const [victim] = before;
  process.kill(victim!, "SIGKILL");
  for (let now = before; now.size < 2 || now.has(victim!); )
    now = await pids(service.url).catch(() => before);
  await scoreAll(service.url, [7, 8]);
  expect(await stateAt(service.url)).toEqual(await merged([...seeds, 7, 8]));

  service.process.kill("SIGTERM");
  expect(await service.ended).toBe(0);
  for (const pid of before) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("SIGTERM answers the request in progress, then the process ends with 0", async () => {
  const service = await started();
  const held = await hold(`${service.url}/v1/score`, await archive(testCase(1)));
  await healthUntil(service.url, ({ waiting }) => waiting === 1);
  service.process.kill("SIGTERM");
  // The port is closed once the signal has arrived.
  for (let open = true; open; )
    open = await fetch(`${service.url}/health`).then(
      () => true,
      () => false,
    );
  expect(await held.finish()).toMatchObject({ status: 200 });
  expect(await service.ended).toBe(0);
});

test("a request that never ends is cut off after --drain, with exit code 1", async () => {
  const service = await started("--drain", "0");
  const held = await hold(`${service.url}/v1/score`, await archive(testCase(1)));
  await healthUntil(service.url, ({ waiting }) => waiting === 1);
  service.process.kill("SIGTERM");
  expect(await service.ended).toBe(1);
  await expect(held.finish()).rejects.toThrow();
});

test("a wrong option and a missing model end at once", async () => {
  for (const [args, code] of [
    [["--prot", "1"], 2],
    [["--model", "/no/such/model.onnx"], 1],
    [["--model", "/no/such/model.onnx", "--workers", "2"], 1],
  ] as const) {
    const child = spawn(process.execPath, [main, "--port", "0", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let message = "";
    child.stderr!.on("data", (text) => (message += text));
    expect(await once(child, "exit").then(([exit]) => exit)).toBe(code);
    expect(message).toMatch(/^error: .*(--prot|model\.onnx|exit code 1)/m);
  }
});
