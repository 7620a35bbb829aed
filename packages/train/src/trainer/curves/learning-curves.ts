import type { EpochRecord } from "../epoch-record.js";
import type { ColourName, Drawing, Mark, Point } from "./drawing.js";

interface Series {
  readonly name: string;
  readonly values: readonly (number | null | undefined)[];
  readonly colour: ColourName;
}

const panel = { width: 400, height: 240, left: 62, right: 12, top: 34, bottom: 28 } as const;

/**
 * Draws the scores of a training over its epochs: a panel each for the losses and for every validation
 * score.
 */
export function learningCurves(history: readonly EpochRecord[]): Drawing {
  const panels = panelsOf(history).filter(({ series }) => series.some(({ values }) => values.some(isKnown)));
  const columns = Math.min(2, panels.length);
  const marks = panels.flatMap(({ title, series }, i) => {
    const shift: Point = [(i % columns) * panel.width, Math.floor(i / columns) * panel.height];
    return drawn(title, series, history.length).map((mark) => moved(mark, shift));
  });
  const rows = Math.ceil(panels.length / columns);
  return { width: columns * panel.width, height: rows * panel.height, marks };
}

function panelsOf(history: readonly EpochRecord[]): readonly { title: string; series: readonly Series[] }[] {
  const field = (
    name: "trainLoss" | "validationLoss" | "validationNll" | "learningRate",
    label: string,
    colour: ColourName,
  ): Series => ({
    name: label,
    values: history.map((record) => record[name]),
    colour,
  });
  const scored = (
    score: "dice" | "ece" | "pece",
    mean: "validationDice" | "validationEce" | "validationPece",
  ): Series[] => {
    const classes = history.at(-1)?.validationClasses?.[score].length ?? 0;
    const each = Array.from(
      { length: classes },
      (_, c): Series => ({
        name: `class ${c}`,
        values: history.map(({ validationClasses }) => validationClasses?.[score][c]),
        colour: "faint",
      }),
    );
    return [...each, { name: "mean", values: history.map((record) => record[mean]), colour: "second" }];
  };
  return [
    {
      title: "loss",
      series: [field("trainLoss", "train", "first"), field("validationLoss", "validation", "second")],
    },
    { title: "validation dice", series: scored("dice", "validationDice") },
    { title: "validation nll", series: [field("validationNll", "validation", "second")] },
    { title: "validation ece", series: scored("ece", "validationEce") },
    { title: "validation pece", series: scored("pece", "validationPece") },
    { title: "learning rate", series: [field("learningRate", "rate", "first")] },
  ];
}

const isKnown = (value: number | null | undefined): value is number => Number.isFinite(value);

function drawn(title: string, series: readonly Series[], epochs: number): Mark[] {
  const known = series.flatMap(({ values }) => values.filter(isKnown));
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  const [bottom, top] =
    low === high ? [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2] : [low, high];
  const [x0, x1] = [panel.left, panel.width - panel.right];
  const [y0, y1] = [panel.height - panel.bottom, panel.top];
  const x = (epoch: number): number => x0 + ((epoch - 1) / Math.max(1, epochs - 1)) * (x1 - x0);
  const y = (value: number): number => y0 + ((value - bottom) / (top - bottom)) * (y1 - y0);
  const text = (
    content: string,
    at: Point,
    anchor: "start" | "middle" | "end",
    colour: ColourName = "ink",
  ): Mark => ({
    text: content,
    at,
    anchor,
    colour,
  });
  const ticks = [0, 1, 2, 3, 4].map((k) => bottom + (k / 4) * (top - bottom));
  const grid = ticks.flatMap((value): Mark[] => [
    {
      line: [
        [x0, y(value)],
        [x1, y(value)],
      ],
      colour: "grid",
    },
    text(Number(value.toPrecision(3)).toString(), [x0 - 6, y(value) + 4], "end"),
  ]);
  const named = series.filter(({ colour }) => colour !== "faint");
  const legend = named.map(({ name, colour }, i) =>
    text(name, [x1 - 76 * (named.length - 1 - i), 18], "end", colour),
  );
  return [
    text(title, [x0, 18], "start"),
    ...legend,
    ...grid,
    text("1", [x0, y0 + 18], "middle"),
    text(`epoch ${epochs}`, [x1, y0 + 18], "end"),
    ...series.flatMap(({ values, colour }) =>
      stretches(values).map(
        (part): Mark => ({
          line: part.map(([epoch, value]): Point => [x(epoch), y(value)]),
          colour,
        }),
      ),
    ),
  ];
}

/**
 * Returns the unbroken stretches of a series, as epochs with their values; one epoch alone as a short line.
 */
function stretches(values: Series["values"]): Point[][] {
  const parts: Point[][] = [];
  for (const [i, value] of values.entries()) {
    if (!isKnown(value)) continue;
    if (i > 0 && isKnown(values[i - 1])) parts.at(-1)!.push([i + 1, value]);
    else parts.push([[i + 1, value]]);
  }
  return parts.map((part) => (part.length > 1 ? part : [part[0]!, [part[0]![0] + 0.02, part[0]![1]]]));
}

function moved(mark: Mark, [dx, dy]: Point): Mark {
  const shifted = ([x, y]: Point): Point => [x + dx, y + dy];
  return "line" in mark ? { ...mark, line: mark.line.map(shifted) } : { ...mark, at: shifted(mark.at) };
}
