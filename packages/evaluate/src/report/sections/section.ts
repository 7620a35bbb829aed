import { formatCsv } from "../csv.js";
import { element, escaped } from "../draw/svg.js";
import type { Figure, FigureData } from "../figures/figure.js";

/** A part of the page with a heading. */
export interface Section {
  readonly id: string;
  /** The word in the page's navigation. */
  readonly nav: string;
  readonly heading: string;
  readonly body: string;
}

export const paragraph = (text: string, className?: string): string =>
  element("p", { class: className }, escaped(text));

/** Returns a figure with its caption, its "Copy data" button and its data. */
export function figureBlock({ id, title, caption, svg, narrow = "", data }: Figure): string {
  const said = caption === undefined ? "" : ` ${element("span", {}, escaped(caption))}`;
  return element(
    "figure",
    { id },
    element("figcaption", {}, element("b", {}, escaped(title)), said, copyButton(id, title)),
    svg,
    narrow,
    dataBlock(id, title, data),
  );
}

/** Returns the button that copies a chart's data. */
export const copyButton = (id: string, title: string): string =>
  element(
    "button",
    { type: "button", class: "copy", "data-copy": `${id}-data`, "aria-label": `Copy data: ${title}` },
    "Copy data",
  );

/** Returns the data of a chart as CSV in JSON, which no browser runs. */
export function dataBlock(id: string, title: string, { header, rows }: FigureData): string {
  const json = JSON.stringify({ title, csv: formatCsv(header, rows) });
  return `<script type="application/json" id="${id}-data">${inScript(json)}</script>`;
}

/** Escapes JSON for a script element, where "</script" or "<!--" would end or change it. */
const inScript = (json: string): string =>
  json.replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

/** A column of a table; numbers stand right. */
export interface TableColumn<R> {
  readonly title: string;
  readonly cell: (row: R) => string;
  /** The value by which a sortable table orders the column. */
  readonly sort?: (row: R) => number | string;
  readonly className?: (row: R) => string | undefined;
}

/** Returns a table whose first column heads its rows; cells are markup. */
export function table<R>(
  rows: readonly R[],
  columns: readonly TableColumn<R>[],
  { label, sortable = false }: { readonly label: string; readonly sortable?: boolean },
): string {
  const head = columns.map(({ title }) =>
    element(
      "th",
      { scope: "col" },
      // Browsers repeat the header of a table on every printed page, but no button in it.
      sortable
        ? element("button", { type: "button" }, escaped(title)) +
            element("span", { class: "printed" }, escaped(title))
        : escaped(title),
    ),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      ...columns.map(({ cell, sort, className }, i) => {
        const key = sort?.(row);
        const attributes = {
          class: className?.(row),
          ...(sortable && key !== undefined ? { "data-sort": String(key) } : {}),
        };
        return i === 0
          ? element("th", { scope: "row", ...attributes }, element("bdi", {}, cell(row)))
          : element("td", attributes, cell(row));
      }),
    ),
  );
  return element(
    "div",
    { class: sortable ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": label },
    element(
      "table",
      { class: sortable ? "sort" : undefined },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    ),
  );
}
