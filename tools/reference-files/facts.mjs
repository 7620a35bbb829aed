// Compares facts one by one, and prints those that differ.
import { createHash } from "node:crypto";
import { FormatError } from "../../packages/io/dist/index.js";

/** The longest time of a refusal, in ms. */
const slowestRefusal = 50;

/** The comparisons of one file. */
class Facts {
  constructor(path, found) {
    this.path = path;
    this.found = found;
  }

  fail(what) {
    this.found.failed++;
    console.log(`${this.path}: ${what}`);
  }

  /** Compares texts, numbers or lists exactly. */
  equal(name, got, wanted) {
    this.found.compared++;
    const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (a !== b) this.fail(`${name}: got ${a}, the manifest has ${b}`);
  }

  /** Compares numbers to within `tolerance` of the larger of 1 and their size. */
  close(name, got, wanted, tolerance) {
    this.found.compared++;
    const near = (a, b) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
    const [a, b] = [[got].flat(3), [wanted].flat(3)];
    if (a.length !== b.length || !a.every((value, i) => near(value, b[i])))
      this.fail(`${name}: got [${a}], the manifest has [${b}]`);
  }

  hash(name, data, wanted) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.equal(name, createHash("sha256").update(bytes).digest("hex"), wanted);
  }

  /** Notes a fact that the files' own readers do not have to compare with. */
  left(what) {
    this.found.left.push(`${this.path}: ${what}`);
  }

  /** Expects `read` to refuse the file by a typed error that names it, within 50 ms. */
  async refuses(read, naming = this.path.split("/").at(-1)) {
    let time = Number.POSITIVE_INFINITY;
    let error;
    // The least of three: the first loads the readers.
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      error = await read().then(
        () => undefined,
        (thrown) => thrown,
      );
      time = Math.min(time, performance.now() - start);
    }
    if (error === undefined) return this.fail("was read, which the manifest's reader refuses");
    this.found.refused++;
    if (!(error instanceof FormatError)) this.fail(`an error without a type: ${error?.stack}`);
    else if (!error.message.includes(naming)) this.fail(`does not name the file: ${error.message}`);
    if (time > slowestRefusal) this.fail(`refused after ${time.toFixed(0)} ms`);
    console.log(`refused: ${error.message.replace(/^.*\//, "")}`);
  }
}

/** Runs the comparisons of one file; an error of its reader is a failure. */
export async function compare(path, found, check) {
  const facts = new Facts(path, found);
  await check(facts).catch((error) => facts.fail(error.message));
}
