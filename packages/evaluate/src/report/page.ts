import { createHash } from "node:crypto";
import { element, escaped } from "./draw/svg.js";
import type { ReportData } from "./report-data.js";
import { reportScript } from "./script.js";
import { calibratorsSection } from "./sections/calibrators.js";
import { casesSection } from "./sections/cases.js";
import {
  boundarySection,
  classesSection,
  decisionSection,
  reliabilitySection,
  trainingSection,
} from "./sections/charts.js";
import { keyFigures } from "./sections/key-figures.js";
import { leadSentences } from "./sections/lead.js";
import { lesionsSection } from "./sections/lesions.js";
import { methodSection } from "./sections/method.js";
import { picturesSection } from "./sections/pictures.js";
import type { Section } from "./sections/section.js";
import { summarySection } from "./sections/summary.js";
import { reportStyle } from "./style.js";

/** The parts of the page, in their order; a part without data returns undefined. */
const parts: readonly ((data: ReportData) => Section | undefined)[] = [
  summarySection,
  reliabilitySection,
  boundarySection,
  calibratorsSection,
  classesSection,
  lesionsSection,
  decisionSection,
  casesSection,
  picturesSection,
  trainingSection,
  methodSection,
];

const sourceHash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The policy of the page: its own style and script, pictures within the file, and nothing else. */
const policy = [
  "default-src 'none'",
  `style-src ${sourceHash(reportStyle)}`,
  `script-src ${sourceHash(reportScript)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * Returns the report as one HTML file that needs no other file and no network. The same data give the same
 * bytes. Numbers are those of the statistics; the page computes none of its own.
 */
export function reportPage(data: ReportData): string {
  const sections = parts.flatMap((part) => part(data) ?? []);
  const [first = "", ...rest] = leadSentences(data);
  const question = "How far can these probabilities be trusted?";
  const links = sections.map(({ id, nav }) => element("a", { href: `#${id}` }, escaped(nav)));
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">`,
    '<link rel="icon" href="data:,">',
    element("title", {}, escaped(`${data.subject}: ${question}`)),
    `<style>${reportStyle}</style>`,
  ];
  const header = element(
    "header",
    {},
    element("h1", {}, escaped(question)),
    element("div", { class: "muted" }, element("bdi", {}, escaped(data.subject))),
    element("nav", { "aria-label": "Parts of the report" }, ...links),
  );
  const main = element(
    "main",
    {},
    element(
      "p",
      { class: "lead" },
      element("b", {}, escaped(first)),
      ...rest.map((each) => ` ${escaped(each)}`),
    ),
    keyFigures(data),
    ...sections.map(({ id, heading, body }) =>
      element("section", { "aria-labelledby": id }, element("h2", { id }, escaped(heading)), body),
    ),
  );
  const footer = element("footer", {}, "Made by PixelCal. This file is complete: it requests nothing.");
  return `<!doctype html>\n${element("html", { lang: "en" }, element("head", {}, ...head), element("body", {}, header, main, footer, `<script>${reportScript}</script>`))}\n`;
}
