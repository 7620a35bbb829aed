import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Job, mpirun, noMpi } from "@pixelcal/distributed/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { writeRawFolder } from "../raw-folder.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

const command = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

describe.skipIf(noMpi !== undefined)(`predictions of several processes${noMpi ? `: ${noMpi}` : ""}`, () => {
  toyData();

  const run = (size: number, args: readonly string[]): Promise<Job> => mpirun(size, [command, ...args]);
  const files = (folder: string): Record<string, string> =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "base64")]));

  beforeAll(async () => {
    const path = await writeConfig("c.json", { epochs: 1 });
    expect((await pixelcal(["train", "--config", path, "--out", at("runs")])).code).toBe(0);
    expect((await infer(pixelcal, "alone")).code).toBe(0);
  });
  const infer = <T>(how: (args: readonly string[]) => Promise<T>, out: string): Promise<T> =>
    how(["infer", "--config", at("c.json"), "--runs", at("runs"), "--split", "train", "--out", at(out)]);

  test.each([2, 3])("%i ranks write the files of one process", async (size) => {
    const { code, messages, output } = await infer((args) => run(size, args), `by${size}`);
    expect(code).toBe(0);
    expect(output).toBe(`${at(`by${size}`)}: 5 predictions\n`);
    expect(messages.match(/recognised/g)).toHaveLength(1);
    expect(files(at(`by${size}`))).toEqual(files(at("alone")));
  });

  describe("of volumes", () => {
    const volumes = (how: "alone" | number, out: string, ...more: string[]): Promise<Ran | Job> => {
      const args = ["infer", "--config", at("c.json"), "--runs", at("runs"), "--data", at("raw"), ...more];
      const all = [...args, "--out", at(out)];
      return how === "alone" ? pixelcal(all) : run(how, all);
    };
    const postprocessing = (): string => readFileSync(at("runs/toy/postprocessing.json"), "utf8");

    beforeAll(() => writeRawFolder({ labels: { background: 0, a: 1, b: 2, c: 3 } }));

    test("3 ranks find the postprocessing of one process, and apply it", async () => {
      const find = ["--split", "train", "--determine-postprocessing"];
      expect((await volumes("alone", "found", ...find)).code).toBe(0);
      const alone = postprocessing();
      const { code, messages } = await volumes(3, "found3", ...find);
      expect(code, messages).toBe(0);
      expect(postprocessing()).toBe(alone);
      expect(files(at("found3"))).toEqual(files(at("found")));

      writeFileSync(at("runs/toy/postprocessing.json"), JSON.stringify({ keepLargest: [[1], [2], [3]] }));
      for (const [how, out] of [
        ["alone", "kept"],
        [3, "kept3"],
      ] as const)
        expect((await volumes(how, out, "--split", "train", "--postprocessing")).code).toBe(0);
      expect(files(at("kept3"))).toEqual(files(at("kept")));
    });

    test("refuses ranks that read different postprocessings", async () => {
      const byRank = at("own-postprocessing.mjs");
      writeFileSync(
        byRank,
        `import { mkdirSync, writeFileSync } from "node:fs";
         const rank = process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK;
         const folder = ${JSON.stringify(at("by-rank"))} + rank;
         mkdirSync(folder, { recursive: true });
         writeFileSync(folder + "/p.json", JSON.stringify({ keepLargest: [[1 + Number(rank)]] }));
         process.chdir(folder);
         await import(${JSON.stringify(command)});`,
      );
      const args = ["infer", "--config", at("c.json"), "--runs", at("runs"), "--data", at("raw")];
      const { code, messages } = await mpirun(2, [
        byRank,
        ...args,
        "--out",
        at("none"),
        "--postprocessing",
        "p.json",
      ]);
      expect(messages).toContain(
        "error: rank 1 has another set-up than rank 0: used.keepLargest.0.0 2, not 1",
      );
      expect(code).toBe(1);
      expect(existsSync(at("none"))).toBe(false);
    });

    test("refuses images without labels to determine it by, once", async () => {
      rmSync(at("raw/labelsTs"), { recursive: true });
      const { code, messages } = await volumes(2, "none", "--determine-postprocessing");
      expect(messages.match(/has no labels, which --determine-postprocessing needs/g)).toHaveLength(1);
      expect(code).toBe(1);
      expect(existsSync(at("none"))).toBe(false);
    });
  });

  test.each([
    [1, []],
    [2, []],
    // More ranks than cases.
    [6, []],
    [3, ["--regions", "heart=1+2+3,blood=1"]],
  ])("%i ranks have the scores of one process, with %j", async (size, options) => {
    const args = (out: string): readonly string[] => [
      ...["evaluate", "--predictions", at("alone"), "--out", at(`${out}.csv`)],
      ...options,
    ];
    const alone = await pixelcal(args("one"));
    const { code, output } = await run(size, args("all"));
    expect(code).toBe(0);
    for (const end of ["csv", "json"])
      expect(readFileSync(at(`all.${end}`), "utf8")).toBe(readFileSync(at(`one.${end}`), "utf8"));
    expect(output.replaceAll("all.", "one.")).toBe(alone.output);
  });

  test("a case that one rank cannot score is named once, and nothing is written", async () => {
    const [, broken] = readdirSync(at("by2"));
    writeFileSync(at("by2", broken!), "no archive");
    const { code, messages } = await run(2, [
      "evaluate",
      "--predictions",
      at("by2"),
      "--out",
      at("none.csv"),
    ]);
    expect(messages.split("\n").filter((line) => line.includes(broken!))).toHaveLength(1);
    expect(messages).toMatch(/error: (rank 1: )?/);
    expect(code).toBe(1);
    expect(existsSync(at("none.csv"))).toBe(false);
  });

  test("refuses processes that see other predictions", async () => {
    const byRank = at("by-rank.mjs");
    writeFileSync(
      byRank,
      `process.argv.push("--predictions", (process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK) === "1" ? "${at("by3")}" : "${at("alone")}");
       await import(${JSON.stringify(command)});`,
    );
    const { code, messages } = await mpirun(2, [byRank, "evaluate", "--out", at("none.csv")]);
    expect(messages).toMatch(/error: rank 1 has another set-up than rank 0: runs.0.run "by3", not "alone"/);
    expect(code).toBe(1);
  });
});
