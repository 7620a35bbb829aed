import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { labelsOf, putCase, twoClasses } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (folder: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at(folder), "--out", at("out", "r.csv"), ...more]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-folders-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("folders of predictions", () => {
  test("links to files and to runs are followed", async () => {
    await putCase(at("real"), "a");
    await mkdir(at("linked"));
    await symlink(at("real", "a.npz"), at("linked", "a.npz"));
    expect((await evaluate("linked")).output).toMatch(/\nlinked +1 +1\.0000/);
    await putCase(at("runs", "one"), "a");
    await symlink(at("real"), at("runs", "two"));
    const { code, output } = await evaluate("runs");
    expect(output).toMatch(/\none +1 .*\ntwo +1 /);
    expect(code).toBe(0);
  });

  test("a link that leads nowhere is refused, a file's and a run's", async () => {
    await putCase(at("dangling"), "a");
    await symlink("/no/such/case.npz", at("dangling", "b.npz"));
    await putCase(at("lost", "one"), "a");
    await symlink("/no/such/run", at("lost", "two"));
    for (const [folder, message] of [
      ["dangling", `error: ${at("dangling", "b.npz")}: is a link to /no/such/case.npz, which does not lead`],
      ["lost", `error: ${at("lost", "two")}: is a link to /no/such/run, which does not lead`],
    ] as const) {
      const { code, messages } = await evaluate(folder);
      expect(messages).toContain(message);
      expect(code).toBe(1);
    }
  });

  test("hidden names, macOS's among them, are left out", async () => {
    await putCase(at("mac"), "a");
    await putCase(at("mac"), ".a");
    await writeFile(at("mac", "._a.npz"), Buffer.alloc(120, 7));
    const { code, output } = await evaluate("mac");
    expect(output).toMatch(/\nmac +1 /);
    expect(code).toBe(0);
  });

  test("folders beside predictions are named", async () => {
    await putCase(at("beside"), "a");
    await putCase(at("beside", "other"), "b");
    const { messages } = await evaluate("beside");
    expect(messages).toBe(
      `warning: ${at("beside")}: scored as one run; its folders are left out: other\n` +
        "beside: .npz predictions with probabilities and labels, 1 case\n",
    );
  });

  test("a file without its arrays says which it has, and nothing is written", async () => {
    for (const [key, exit, message] of [
      ["logits", 1, "case_001.npz: probs: no such array in the file, which holds logits, spacing\n"],
      // nnU-Net's hold no labels.
      ["probabilities", 2, "case_001.npz: holds probabilities without labels; --labels names"],
    ] as const) {
      await putCase(at("lacking"), "case_001", { [key]: twoClasses(), spacing: labelsOf([1], [1]) });
      await rm(at("out"), { recursive: true, force: true });
      const { code, messages } = await evaluate("lacking");
      expect(messages).toContain(message);
      expect(code).toBe(exit);
      expect(await readdir(root)).not.toContain("out");
    }
  });
});
