// `npm run soak`: mutated files for every reader, abused calls, kills. Seeded, on one core,
// and resumable; README says how.
import { parseArgs } from "node:util";
import { replay } from "./failures.mjs";
import { summary, writeReport } from "./report.mjs";
import { merged, soak } from "./soak.mjs";
import { targetNamed } from "./targets.mjs";

const help = `npm run soak -- [options]

  --minutes N     ends after N minutes, every target having had its share of them
  --scale F       F times the whole: 1e6 files, 1e5 calls, 200 + 50 + 50 kills (default 1)
  --seed S        decides every input (default 1)
  --only GROUP    readers, boundary or kills, or the name of one target; several with commas
  --resume        continues the last soak
  --from FOLDERS  soaks nothing: sums up what soaks with other --home folders of this commit have done
  --report FILE   writes the figures as Markdown
  --home FOLDER   keeps state and findings there (default .cache/soak)
  --replay FILE   runs one saved finding again; exit code 1 if it still fails
`;

const number = (name, text, fallback) => {
  const value = text === undefined ? fallback : Number(text);
  if (value !== undefined && !(value > 0))
    throw new Error(`--${name}: expected a number above 0, got ${text}`);
  return value;
};

async function main() {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  const { values } = parseArgs({
    options: {
      minutes: text,
      scale: text,
      seed: text,
      only: text,
      report: text,
      replay: text,
      home: text,
      from: text,
      resume: flag,
      help: flag,
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.replay) {
    const { name, input, outcome, message = "" } = await replay(values.replay, targetNamed);
    console.log(input);
    console.log(`${name}: ${outcome}${message ? `: ${message}` : ""}`);
    process.exitCode = outcome === "accepted" || outcome === "refused" ? 0 : 1;
    return;
  }
  const state = values.from
    ? merged(values.from.split(","))
    : await soak({
        minutes: number("minutes", values.minutes),
        scale: number("scale", values.scale, 1),
        seed: values.seed ?? "1",
        only: values.only?.split(","),
        resume: values.resume ?? false,
        home: values.home,
      });
  if (values.report) writeReport(values.report, state);
  const { lines, failed } = summary(state);
  for (const line of lines) console.log(line);
  process.exitCode = failed > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(`soak: ${error.message}`);
  process.exitCode = 2;
});
