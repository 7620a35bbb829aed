import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-completion-"));
  for (const shell of ["bash", "zsh", "fish"])
    writeFileSync(join(folder, shell), (await pixelcal(["completion", shell])).output);
  mkdirSync(join(folder, "my data"));
  writeFileSync(join(folder, "my config.yaml"), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns what bash offers for the last of the words. */
function bash(...words: readonly string[]): readonly string[] {
  const script = `source "$1"; shift; COMP_WORDS=(pixelcal "$@"); COMP_CWORD=$#; _pixelcal; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", script, "bash", join(folder, "bash"), ...words];
  const { status, stdout, stderr } = spawnSync("bash", args, { cwd: folder, encoding: "utf8" });
  // Outside of a completion `compopt` has nothing to set, and its message is not shown.
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.split("\n").filter((word) => word !== "");
}

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).error === undefined;

describe.runIf(has("bash"))("bash (where it is installed)", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["a command", ["tr"], ["train"]],
    ["an option of the program", ["--v"], ["--version"]],
    ["an option of a command", ["train", "--conf"], ["--config"]],
    ["a value among a few", ["train", "--device", ""], ["cpu", "webgpu", "cuda"]],
    ["one that has begun", ["train", "--device", "w"], ["webgpu"]],
    ["one behind an equals sign", ["evaluate", "--convention", "=", "ref"], ["reference"]],
    ["one right behind it", ["infer", "--device", "="], ["cpu", "webgpu", "cuda"]],
    ["a file whose name has a space", ["train", "--config", "my"], ["my config.yaml", "my data"]],
    ["a folder", ["evaluate", "--predictions", "my"], ["my data"]],
    ["an argument", ["completion", "z"], ["zsh"]],
    ["a file as an argument", ["check", "my c"], ["my config.yaml"]],
    ["nothing for a number", ["train", "--epochs", ""], []],
    ["an option after one whose value was left out", ["train", "--resume", "--over"], ["--overwrite"]],
    ["nothing after an unknown command", ["trian", "--"], []],
  ])("%s", (_, words, offered) => {
    expect(bash(...words)).toEqual(offered);
  });

  test("every command, and every option that its help lists", async () => {
    const { output } = await pixelcal(["--help"]);
    const commands = [...output.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name]) => name!);
    expect(commands).toContain("completion");
    const offered = bash("").filter((word) => !word.startsWith("-"));
    expect(offered).toEqual(commands.filter((name) => name !== "help"));
    for (const command of offered) {
      const help = (await pixelcal([command, "--help"])).output;
      const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);
      expect(bash(command, "--")).toEqual(options);
    }
  });
});

test.runIf(has("zsh"))("zsh parses its script, and defines the function (where it is installed)", () => {
  const script = `autoload -Uz compinit && compinit -D && source "$1" && [[ $_comps[pixelcal] == _pixelcal ]]`;
  const { status, stderr } = spawnSync("zsh", ["-f", "-c", script, "zsh", join(folder, "zsh")], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test.runIf(has("fish"))("fish completes commands, options and values (where it is installed)", () => {
  const offered = (line: string): readonly string[] => {
    const args = ["--no-config", "-c", `source ${join(folder, "fish")}; complete -C '${line}'`];
    const { stdout } = spawnSync("fish", args, { cwd: folder, encoding: "utf8" });
    return stdout.split("\n").flatMap((word) => (word === "" ? [] : [word.split("\t")[0]!]));
  };
  expect(offered("pixelcal tr")).toEqual(["train"]);
  expect(offered("pixelcal train --conf")).toEqual(["--config"]);
  expect(offered("pixelcal train --device ")).toEqual(["cpu", "cuda", "webgpu"]);
});

test("an unknown shell is wrong usage", async () => {
  const { code, messages } = await pixelcal(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(messages).toContain("Allowed choices are bash, zsh, fish.");
});
