/** The colours of a drawing. */
export const colours = {
  paper: "#ffffff",
  ink: "#222222",
  grid: "#d8d8d8",
  first: "#1f6fb4",
  second: "#d9730d",
  faint: "#a9bccb",
} as const;

export type ColourName = keyof typeof colours;

export type Point = readonly [x: number, y: number];

/** A line through points in pixels, or text whose baseline begins, has its middle, or ends at a point. */
export type Mark =
  | { readonly line: readonly Point[]; readonly colour: ColourName }
  | {
      readonly text: string;
      readonly at: Point;
      readonly anchor: "start" | "middle" | "end";
      readonly colour: ColourName;
    };

/** Lines and text on paper, which are written as SVG or as pixels. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}
