/** The height of a letter and the distance from one to the next, in pixels. */
export const glyphSize = { height: 7, step: 6 } as const;

/** The columns of letters of 5 x 7 pixels from left to right, the lowest bit on top. */
const columns: Readonly<Record<string, string>> = {
  "0": "3e5149453e",
  "1": "00427f4000",
  "2": "4261514946",
  "3": "2141454b31",
  "4": "1814127f10",
  "5": "2745454539",
  "6": "3c4a494930",
  "7": "0171090503",
  "8": "3649494936",
  "9": "064949291e",
  ".": "0060600000",
  "-": "0808080808",
  "+": "08083e0808",
  a: "2054545478",
  b: "7f48444438",
  c: "3844444420",
  d: "384444487f",
  e: "3854545418",
  f: "087e090102",
  g: "0c5252523e",
  h: "7f08040478",
  i: "00447d4000",
  j: "2040443d00",
  k: "7f10284400",
  l: "00417f4000",
  m: "7c04180478",
  n: "7c08040478",
  o: "3844444438",
  p: "7c14141408",
  q: "081414187c",
  r: "7c08040408",
  s: "4854545420",
  t: "043f444020",
  u: "3c4040207c",
  v: "1c2040201c",
  w: "3c4030403c",
  x: "4428102844",
  y: "0c5050503c",
  z: "4464544c44",
};

/** Returns the pixels of a letter; none for a space or a letter that the font lacks. */
export function glyphOf(letter: string): readonly (readonly [x: number, y: number])[] {
  const code = Object.hasOwn(columns, letter) ? columns[letter]! : "";
  return [0, 1, 2, 3, 4].flatMap((x) => {
    const bits = Number.parseInt(code.slice(2 * x, 2 * x + 2) || "0", 16);
    return [0, 1, 2, 3, 4, 5, 6].flatMap((y) => ((bits >> y) & 1 ? [[x, y] as const] : []));
  });
}
