import { coordinate, element, escaped } from "../draw/svg.js";
import { cividis, errorKinds } from "../pictures/colours.js";
import type { CasePictures, RunPictures } from "../pictures/pictures.js";
import type { ReportData } from "../report-data.js";
import { scoreName, scoreText } from "../score-text.js";
import { paragraph, type Section } from "./section.js";

/** Returns the pictures of the worst calibrated cases. */
export function picturesSection(data: ReportData): Section | undefined {
  const { pictures = [], runs } = data;
  if (pictures.length === 0) return undefined;
  const stacks = pictures.some(({ slices }) => slices)
    ? " The slider moves through the slices around the worst one."
    : "";
  return {
    id: "worst",
    nav: "Worst cases",
    heading: "Worst calibrated cases",
    body: [
      paragraph(
        `The ${pictures.length === 1 ? "case" : `${pictures.length} cases`} with the largest calibration error${runs.length === 2 ? " of the second run" : ""}, the worst first. The true contour is a solid blue line, the predicted one a dashed orange line.${stacks}`,
        "muted",
      ),
      confidenceKey(Math.max(...pictures.map(({ classes }) => classes))),
      ...pictures.map((each, i) => caseArticle(each, i, data)),
    ].join(""),
  };
}

/** Draws the scale of the confidence pictures, in steps that need no gradient. */
function confidenceKey(classes: number): string {
  const [width, steps] = [140, cividis.length];
  const parts = cividis.map((colour, i) =>
    element("rect", {
      x: (i * width) / steps,
      y: 0,
      width: width / steps + 0.5,
      height: 10,
      fill: `rgb(${colour})`,
    }),
  );
  const bar = element(
    "svg",
    { viewBox: `0 0 ${width} 10`, class: "scale-bar", "aria-hidden": "true" },
    ...parts,
  );
  return element("p", { class: "legend" }, `confidence ${coordinate(100 / classes)} %`, bar, "100 %");
}

function caseArticle(pictures: CasePictures, index: number, { runs }: ReportData): string {
  const { name, slice, depth, slices } = pictures;
  const scores = [...runs].map(({ cases }) => cases.find((each) => each.name === name)?.scores);
  const said = (["DSC", "ECE"] as const).map(
    (score) =>
      `${scoreName(score)} ${scores.map((each) => scoreText(score, each?.[score] ?? Number.NaN)).join(" → ")}`,
  );
  const where = depth > 1 ? `, slice ${slice + 1} of ${depth}` : "";
  const heading = element(
    "h3",
    {},
    element("bdi", {}, escaped(name)),
    element("span", {}, escaped(` ${said.join(" · ")}${where}`)),
  );
  const strip = slices
    ? { "data-strip": `strip-${index}`, "data-shape": JSON.stringify({ ...slices, png: undefined }) }
    : {};
  const slider = slices
    ? `${element(
        "label",
        { class: "slider" },
        "slice ",
        `<input type="range" min="${slices.first + 1}" max="${slices.first + slices.count}" value="${slice + 1}">`,
        element("output", {}, String(slice + 1)),
      )}<script type="text/plain" id="strip-${index}">${slices.png}</script>`
    : "";
  return element(
    "article",
    strip,
    heading,
    element("div", { class: "tiles" }, ...tilesOf(pictures, runs)),
    slider,
  );
}

function tilesOf(pictures: CasePictures, runs: ReportData["runs"]): readonly string[] {
  const { image, runs: drawn } = pictures;
  const last = drawn.at(-1)!;
  const which = (run: number): string => (runs.length === 2 ? ` ${"AB"[run]}` : "");
  const sameErrors = drawn.every(({ errors }) => errors === last.errors);
  const errors = sameErrors ? [[drawn.length - 1, last] as const] : [...drawn.entries()];
  return [
    tile(pictures, "contours", image, "truth and prediction", contours(pictures, last)),
    ...drawn.map((run, i) => tile(pictures, `confidence-${i}`, run.confidence, `confidence${which(i)}`)),
    ...errors.map(([i, run]) =>
      tile(pictures, `errors-${i}`, run.errors, `errors${sameErrors ? "" : which(i)}: ${kindsText(run)}`),
    ),
  ];
}

function kindsText({ kinds }: RunPictures): string {
  const names = { 2: "orange false positive", 3: "blue missed", 4: "pink wrong class" } as const;
  const shown = ([2, 3, 4] as const).filter((kind) => kinds.includes(kind)).map((kind) => names[kind]);
  return shown.length === 0 ? "none" : shown.join(", ");
}

const contours = ({ truth }: CasePictures, { contour }: RunPictures): string =>
  element("path", { d: truth, class: "truth" }) + element("path", { d: contour, class: "predicted" });

function tile(
  { name, width, height }: CasePictures,
  kind: string,
  png: string | undefined,
  caption: string,
  marks = "",
): string {
  const ground = png
    ? `<image href="data:image/png;base64,${png}" width="${width}" height="${height}"/>`
    : element("rect", { width, height, fill: `rgb(${errorKinds[0]!.colour})` });
  const svg = element(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      class: "picture",
      role: "img",
      "aria-label": `${caption} of ${name}`,
    },
    ground,
    marks,
  );
  return element("figure", { "data-tile": kind }, svg, element("figcaption", {}, escaped(caption)));
}
