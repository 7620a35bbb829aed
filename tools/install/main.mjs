// `npm run test:install`: packs everything as it is published, serves it from a registry on the loopback, and
// installs it into empty folders with every package manager, Node and module system that is supported. With
// --quick, the share that `npm test` runs: one installation by npm. `--packages FOLDER` takes what `npm run
// release:pack` left. The last line is the sum.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cases } from "./cases.mjs";
import { hostAddon, packed } from "./packed.mjs";
import { serve } from "./registry.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    packages: { type: "string" },
    only: { type: "string" },
  },
});

const work = mkdtempSync(join(tmpdir(), "pixelcal-install-"));
const total = { passed: 0, failed: 0, skipped: 0 };
try {
  const folder = join(work, "packages");
  if (values.packages) cpSync(resolve(values.packages), folder, { recursive: true });
  const list = packed(folder, values.packages === undefined);
  const registry = await serve(folder, list);
  const context = {
    registry,
    home: join(work, "home"),
    released: values.packages !== undefined,
    host: hostAddon,
    list,
  };
  const reachable = await fetch(`${registry.address}@pixelcal/core`).then(
    ({ ok }) => ok,
    () => false,
  );
  for (const { title, quick, run } of cases) {
    if (values.quick && !quick) continue;
    if (values.only && !title.includes(values.only)) continue;
    try {
      const skipped = reachable ? await run(context) : "this machine has no loopback";
      total[skipped ? "skipped" : "passed"] += 1;
      console.log(skipped ? `SKIPPED ${title}: ${skipped}` : `ok ${title}`);
    } catch (error) {
      total.failed += 1;
      console.error(`FAILED ${title}: ${error.message}`);
    }
  }
  await registry.close();
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
