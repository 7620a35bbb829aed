// Runs what README.md, the pages of this folder and the packages' READMEs show, block by block, each page in
// a folder of its own: commands, programs and configurations. `<!-- run: COMMAND -->` is run without being
// shown; a block that cannot run here says why behind `no-run=`.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig } from "@pixelcal/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "packages", "cli", "dist", "main.js");
const scripts = Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts);

interface Block {
  readonly language: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly line: number;
}

function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = readFileSync(page, "utf8").split("\n");
  for (let i = 0; i < lines.length; i++) {
    const hidden = /^<!-- run: (.*) -->$/.exec(lines[i]!);
    if (hidden) blocks.push({ language: "sh", attributes: {}, text: hidden[1]!, line: i + 1 });
    const fence = /^```(\S+) ?(.*)$/.exec(lines[i]!);
    if (fence === null) continue;
    const end = lines.indexOf("```", i + 1);
    const attributes = Object.fromEntries(
      fence[2]!
        .split(" ")
        .filter(Boolean)
        .map((part) => part.split("=") as [string, string]),
    );
    blocks.push({ language: fence[1]!, attributes, text: lines.slice(i + 1, end).join("\n"), line: i + 1 });
    i = end;
  }
  return blocks;
}

/** Replaces numbers and rules of a table, which vary with the processor; everything else is compared. */
const shape = (text: string): string =>
  text
    .replace(/\d[\d.,]*(e[+-]?\d+)?/g, "0")
    .replace(/-{2,}/g, "--")
    .replace(/[ \t]+/g, " ")
    .trim();

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 300_000 });
  if (status !== 0)
    throw new Error(`${[command, ...args].join(" ")}: exit code ${status}\n${stdout}${stderr}`);
  return stdout;
}

function runLine(line: string, cwd: string): string {
  const [words = ""] = line.split(/\s+#/);
  const [program, ...args] = words.trim().split(/\s+/) as [string, ...string[]];
  if (program === "pixelcal") return run(process.execPath, [cli, ...args], cwd);
  // A script that builds and tests everything would run this test again: only its name is checked.
  if (program === "npm") {
    const script = args[0] === "run" ? args[1]! : args[0]!;
    expect(scripts).toContain(script);
    return "";
  }
  throw new Error(`expected pixelcal or npm, got ${line}`);
}

const pages = [
  join(root, "README.md"),
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(root, "docs", name)),
  ...readdirSync(join(root, "packages")).map((name) => join(root, "packages", name, "README.md")),
];

describe.each(pages.map((page) => [relative(root, page), page] as const))("%s", (_, page) => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pixelcal-docs-"));
    mkdirSync(join(folder, "node_modules", "@pixelcal"), { recursive: true });
    for (const name of readdirSync(join(root, "packages")))
      symlinkSync(join(root, "packages", name), join(folder, "node_modules", "@pixelcal", name));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("links lead to files of the repository", () => {
    const links = [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      ([, link]) => link!,
    );
    expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([]);
  });

  let output = "";
  for (const { language, attributes, text, line } of blocksOf(page)) {
    const title = `line ${line}: ${language}`;
    const reason = attributes["no-run"];
    if (reason !== undefined) test.skip(`${title}, not run: ${reason.replaceAll("-", " ")}`, () => undefined);
    else if (language === "sh")
      test(title, () => {
        const commands = text.replaceAll("\\\n", " ").split("\n");
        output = commands
          .filter((command) => command.trim() !== "" && !command.startsWith("#"))
          .map((command) => runLine(command, folder))
          .join("");
      });
    else if (language === "js")
      test(title, () => {
        const file = join(folder, `block-${line}.mjs`);
        writeFileSync(file, text);
        output = run(process.execPath, [file], folder);
      });
    else if (language === "yaml")
      test(title, () => {
        parseConfig(parse(text), { runName: "run" });
        if (attributes.file !== undefined) writeFileSync(join(folder, attributes.file), text);
      });
    else if (language === "text" && attributes.output === "part")
      test(`${title}, every line is printed by the block above`, () => {
        const printed = output.split("\n").map(shape);
        for (const shown of text.split("\n").map(shape)) expect(printed).toContain(shown);
      });
  }
});
