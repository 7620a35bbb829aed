import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LockedError, lockBeside, lockFolder, staleTemporaries } from "./index.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  file = join(folder, "run", ".pixelcal.lock");
});
afterEach(() => rm(folder, { recursive: true }));
const run = (): string => join(folder, "run");

test("one has it until it is released, and the folder made for it goes", async () => {
  const lock = await lockFolder(run());
  await expect(lockFolder(run())).rejects.toThrow(LockedError);
  await expect(lockFolder(run())).rejects.toThrow(
    /run: is in use by this process, locked for less than a minute/,
  );
  expect(await readdir(run())).toEqual([".pixelcal.lock"]);
  await lock.release();
  await lock.release();
  expect(existsSync(run())).toBe(false);
  await (await lockFolder(run()))[Symbol.asyncDispose]();
  expect(existsSync(run())).toBe(false);
});

test("beside what is replaced as a whole", async () => {
  const lock = await lockBeside(join(folder, "preds", "a"));
  expect(await readdir(join(folder, "preds"))).toEqual([".a.lock"]);
  await (await lockBeside(join(folder, "preds", "b"))).release();
  await expect(lockBeside(join(folder, "preds", "a"))).rejects.toThrow(LockedError);
  await lock.release();
});

describe("a lock that was left", () => {
  const leave = async (owner: object | string): Promise<void> => {
    await mkdir(run());
    await writeFile(file, typeof owner === "string" ? owner : JSON.stringify(owner));
  };
  const own = (): Record<string, unknown> => ({
    host: hostname(),
    pid: process.pid,
    since: new Date(Date.now() - 5 * 60_000).toISOString(),
    token: "a-b",
  });
  const started = async (): Promise<unknown> => {
    const lock = await lockFolder(run());
    const { started } = JSON.parse(readFileSync(file, "utf8")) as { started?: string };
    await lock.release();
    return started;
  };

  test("by a process that is gone is taken over", async () => {
    const { since } = own();
    await leave({ ...own(), since, pid: 999_999_999 });
    const lock = await lockFolder(run());
    expect(lock.takenOver).toEqual({ pid: 999_999_999, since });
    await lock.release();
    expect(await readdir(run())).toEqual([]);
    const free = await lockFolder(run());
    expect(free.takenOver).toBeUndefined();
    await free.release();
  });

  test.runIf(process.platform === "linux")(
    "by an earlier process of this number is taken over (Linux)",
    async () => {
      const now = String(await started());
      for (const earlier of [now.replace(/\d+$/, "1"), now.replace(/^.{8}/, "00000000")]) {
        await rm(run(), { recursive: true, force: true });
        await leave({ ...own(), started: earlier });
        await (await lockFolder(run())).release();
      }
      await rm(run(), { recursive: true, force: true });
      await leave({ ...own(), started: now });
      await expect(lockFolder(run())).rejects.toThrow(/in use by this process, locked for 5 minutes/);
    },
  );

  test("by another host is refused with how to remove it", async () => {
    await leave({ ...own(), host: "far", since: new Date(Date.now() - 3 * 3600_000).toISOString() });
    await expect(lockFolder(run())).rejects.toThrow(
      `on host far, locked for 3 hours; if that process has ended, remove ${file}`,
    );
    expect(existsSync(file)).toBe(true);
  });

  test.each(["", "{", "null", '{"host":1}', JSON.stringify({ host: "x", pid: 1, since: "", token: "../x" })])(
    "that cannot be read is refused: %j",
    async (text) => {
      await leave(text);
      await expect(lockFolder(run())).rejects.toThrow(
        `its lock file cannot be read; if no process is writing there, remove ${file}`,
      );
    },
  );

  // The child processes run the built package, as `npm test` leaves it.
  const index = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const script = `
    const { lockFolder } = await import(${JSON.stringify(index)});
    process.on("SIGTERM", () => process.exit(0));
    const lock = await lockFolder(process.argv[1]).catch(() => undefined);
    console.log(lock === undefined ? "refused" : "locked");
    if (lock) setInterval(() => {}, 1000);`;
  const start = (): {
    ended: Promise<unknown>;
    said: Promise<string>;
    kill: (signal: NodeJS.Signals) => void;
  } => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, run()], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    return {
      ended: new Promise((resolve) => child.once("exit", resolve)),
      said: new Promise((resolve) => lines.once("line", resolve)),
      kill: (signal) => child.kill(signal),
    };
  };

  test.each(["lockFolder", "lockBeside"])("%s: what a kill amid it leaves is swept", async (take) => {
    const dying = `
      import { promises } from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      promises.link = () => process.kill(process.pid, "SIGKILL");
      syncBuiltinESMExports();
      const io = await import(${JSON.stringify(index)});
      await io.${take}(process.argv[1]);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", dying, run()]);
    await new Promise((resolve) => child.once("exit", resolve));
    const place = take === "lockFolder" ? run() : folder;
    const name = take === "lockFolder" ? undefined : basename(run());
    expect(await readdir(place)).not.toEqual([]);
    expect(await staleTemporaries(place, name)).toEqual(await readdir(place));
  });

  test("of many that start at once over a dead one, one gets it", async () => {
    await leave({ ...own(), pid: 999_999_999 });
    const children = Array.from({ length: 5 }, start);
    const answers = await Promise.all(children.map(({ said }) => said));
    expect(answers.filter((answer) => answer === "locked")).toHaveLength(1);
    await expect(lockFolder(run())).rejects.toThrow(
      /in use by process \d+, locked for less than a minute; wait/,
    );
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ ended }) => ended));
    const next = start();
    expect(await next.said).toBe("locked");
    next.kill("SIGTERM");
    await next.ended;
    expect(await readdir(run())).toEqual([]);
  });
});
