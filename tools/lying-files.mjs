// Lets readVolume refuse every lying file, and measures each: at most 50 ms, and 32 MB of resident memory on
// top of what the process has (Linux).
//
//   node tools/lying-files.mjs
//
// Another process writes the files, because some are large before they are packed. The time is the least of
// three, as a machine at work delays some; the memory is that of the first. The exit code is 1 if a limit is
// exceeded.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const most = { milliseconds: 50, bytes: 32 * 2 ** 20 };
const built = new URL("../packages/io/dist/", import.meta.url).href;
const [role, folder] = process.argv.slice(2);

if (role === "write") {
  const { lies } = await import(`${built}volume/testing/lies.js`);
  for (const [i, [about, file, bytes]] of lies().entries()) {
    const place = join(folder, String(i).padStart(3, "0"));
    mkdirSync(place);
    writeFileSync(join(place, file), bytes);
    writeFileSync(join(place, "about.txt"), about);
  }
} else if (role === "measure") {
  const { readVolume } = await import(`${built}index.js`);
  const memory = (field) =>
    1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const files = readdirSync(folder).map((name) => {
    const place = join(folder, name);
    const file = readdirSync(place).find((each) => each !== "about.txt");
    return { about: readFileSync(join(place, "about.txt"), "utf8"), path: join(place, file) };
  });
  const refused = (path) =>
    readVolume(path).then(
      () => "accepted",
      (error) => error.name,
    );
  // One file of each format loads its reader; what larger ones take must show.
  const formats = new Map(files.toReversed().map(({ about, path }) => [about.split(":")[0], path]));
  for (const path of formats.values()) await refused(path);
  for (const { about, path } of files) {
    const tries = [];
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      writeFileSync("/proc/self/clear_refs", "5");
      const before = memory("VmRSS");
      const start = performance.now();
      const outcome = await refused(path);
      const milliseconds = performance.now() - start;
      tries.push({ outcome, milliseconds, bytes: memory("VmHWM") - before });
    }
    const { outcome, bytes } = tries[0];
    const milliseconds = Math.min(...tries.map((each) => each.milliseconds));
    const result = { about, outcome, milliseconds, bytes };
    console.log(JSON.stringify(result));
  }
} else {
  const home = mkdtempSync(join(tmpdir(), "lying-files-"));
  const run = (part) =>
    spawnSync(process.execPath, ["--expose-gc", fileURLToPath(import.meta.url), part, home], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 2 ** 26,
    });
  try {
    run("write");
    const { stdout, status } = run("measure");
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const wrong = results.filter(
      ({ outcome, milliseconds, bytes }) =>
        outcome !== "FormatError" || milliseconds > most.milliseconds || bytes > most.bytes,
    );
    const show = ({ about, outcome, milliseconds, bytes }) =>
      `${about}: ${outcome}, ${milliseconds.toFixed(1)} ms, ${(bytes / 2 ** 20).toFixed(1)} MB`;
    const worst = (key) => show(results.toSorted((a, b) => b[key] - a[key])[0]);
    console.log(
      `${results.length} files; the slowest ${worst("milliseconds")}; the largest ${worst("bytes")}`,
    );
    for (const each of wrong) console.log(`over the limits: ${show(each)}`);
    process.exitCode = status !== 0 || wrong.length > 0 ? 1 : 0;
  } finally {
    rmSync(home, { recursive: true });
  }
}
