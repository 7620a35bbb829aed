import { element, escaped } from "../draw/svg.js";
import type { ReportData } from "../report-data.js";
import { intervalText, scoreName, scoreText } from "../score-text.js";

/** The scores of the four figures, each with the one that takes its place. */
const wanted = [["DSC"], ["ECE"], ["boundary ECE", "pECE excess"], ["NLL", "Brier"]] as const;

/** Returns the four figures at the top: Dice, the two calibration errors and the log score. */
export function keyFigures({ runs, comparison }: ReportData): string {
  const cards = wanted.flatMap((names) => {
    const name = names.find((each) => runs.every(({ statistics }) => statistics.scores.has(each)));
    if (name === undefined) return [];
    const estimates = runs.map(({ statistics }) => statistics.scores.get(name)!);
    const values = estimates.map(({ value }) => scoreText(name, value)).join(" → ");
    const last = estimates.at(-1)!;
    const paired = comparison?.differences.find((each) => each.name === name)?.difference;
    const known = paired
      ? `${scoreText(name, paired.value, true)} ${intervalText(name, paired.interval, true)}`
      : intervalText(name, last.interval);
    return [
      element(
        "div",
        { class: "key-figure" },
        element("b", {}, escaped(values)),
        element("span", {}, escaped(scoreName(name))),
        element("small", {}, escaped(known)),
      ),
    ];
  });
  return element("div", { class: "key-figures" }, ...cards);
}
