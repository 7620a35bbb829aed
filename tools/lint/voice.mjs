// The voice of comments: they begin with a verb or a noun, and none is wider than a line. Prints
// one line a problem; exit code 1 if there is any.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder, read } from "./sources.mjs";

/** The folders that the rules apply to, with those below them. */
const folders = [
  "benchmarks",
  "docs",
  "examples",
  "native",
  "packages/cli",
  "packages/core",
  "packages/distributed",
  "packages/evaluate",
  "packages/graph",
  "packages/io",
  "packages/losses",
  "packages/phantom",
  "packages/train",
  "tools",
];

const widest = 110;
const sourceFile = /\.(ts|mjs|cc|h|cu)$/;
const comment = /^\s*(\/\/|\/?\*)|\s\/\/ /;
const badStart = /\/\*\*\s*(?:\*\s*)?(Of|Those|What|How)\b/g;
const badLine = /^\s*\/\/ (Of|Those|What)\b/;
const advice = "begin with a verb, or a noun and its article";
const ownLine = /^\s*\/\//;

/** Returns the problems of one file's text, a line each. */
export function voiceProblems(path, text) {
  const problems = [];
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.length > widest && comment.test(line))
      problems.push(`${path}:${index + 1}: a comment of ${line.length} columns; at most ${widest}`);
    const begins = ownLine.test(lines[index - 1] ?? "") ? null : badLine.exec(line);
    if (begins) problems.push(`${path}:${index + 1}: a comment begins with "${begins[1]}"; ${advice}`);
  }
  for (const match of text.matchAll(badStart)) {
    const line = text.slice(0, match.index).split("\n").length;
    problems.push(`${path}:${line}: a doc comment begins with "${match[1]}"; ${advice}`);
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  const files = folders.flatMap((folder) => filesUnder(root, folder, sourceFile));
  const problems = files.flatMap((path) => voiceProblems(path, read(root, path)));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
