/** A chart with its caption and its data. */
export interface Figure {
  /** The identifier within the page: letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly caption?: string;
  /** The chart; a wide chart has a second, narrow form for phones. */
  readonly svg: string;
  readonly narrow?: string;
  readonly data: FigureData;
}

/** The numbers of a chart, which "Copy data" copies as CSV. */
export interface FigureData {
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The widths of charts at 1:1: a wide one fills the column, two small ones stand side by side. */
export const widths = { wide: 720, small: 348, tile: 160 } as const;

/**
 * Returns the class of a series, which gives its colour: the first run orange, the second or only run blue.
 */
export const seriesClass = (index: number, runs: number): "a" | "b" =>
  runs === 2 && index === 0 ? "a" : "b";

/** Returns the shape of a series, which tells it from the other without colour. */
export const seriesShape = (index: number): "circle" | "square" => (index === 0 ? "circle" : "square");

/** Returns both forms of a chart that is wide on a screen and narrow on a phone. */
export function bothWidths(draw: (width: number) => string): Pick<Figure, "svg" | "narrow"> {
  return { svg: draw(widths.wide), narrow: draw(widths.small) };
}
