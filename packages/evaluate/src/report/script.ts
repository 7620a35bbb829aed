import { confidenceColours, errorKinds } from "./pictures/colours.js";

/**
 * The script of the report: sorts the case table, copies data, moves through slices, opens details to print.
 */
export const reportScript: string = `"use strict";
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

for (const table of all("table.sort")) {
  const heads = all("thead th", table);
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const key = (row) => row.cells[column].dataset.sort ?? "";
    const order = (p, q) => {
      if (p === "" || q === "") return (p === "") - (q === "");
      const [x, y] = [Number(p), Number(q)];
      const by = Number.isNaN(x) || Number.isNaN(y) ? (p < q ? -1 : Number(p > q)) : x < y ? -1 : Number(x > y);
      return up ? by : -by;
    };
    body.append(...[...body.rows].sort((p, q) => order(key(p), key(q))));
  }));
}

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
for (const button of all("[data-copy]"))
  button.addEventListener("click", async () => {
    await copied(JSON.parse(document.getElementById(button.dataset.copy).textContent).csv);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy data"; }, 1500);
  });

const confidences = ${JSON.stringify(confidenceColours)};
const errors = ${JSON.stringify(errorKinds.map(({ colour }) => colour))};

const kindOf = (truth, found) => truth === found ? Number(truth > 0) : truth === 0 ? 2 : found === 0 ? 3 : 4;

const drawSlice = (article, { width, height, first, image, runs }, pixels, slice) => {
  const stride = (Number(image) + 2 * runs) * width;
  const at = (tile, x, y) => pixels[4 * (((slice - first) * height + y) * stride + tile * width + x)];
  const code = (run, x, y) => at(Number(image) + 2 * run + 1, x, y);
  const edge = (x, y, shift, last) => {
    const label = (u, v) => (code(last, u, v) >> shift) & 15;
    const own = label(x, y);
    return (x > 0 && label(x - 1, y) !== own) || (y > 0 && label(x, y - 1) !== own);
  };
  for (const figure of all("[data-tile]", article)) {
    const [kind, run = 0] = figure.dataset.tile.split("-");
    let canvas = figure.querySelector("canvas");
    if (!canvas) {
      canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      canvas.setAttribute("role", "img");
      figure.prepend(canvas);
    }
    canvas.setAttribute("aria-label", figure.querySelector("svg").getAttribute("aria-label") + ", slice " + (slice + 1));
    const context = canvas.getContext("2d");
    const drawn = context.createImageData(width, height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let colour;
        if (kind === "contours") {
          const grey = image ? at(0, x, y) : 30;
          colour = edge(x, y, 4, runs - 1) ? [86, 180, 233] : edge(x, y, 0, runs - 1) ? [230, 159, 0] : [grey, grey, grey];
        } else if (kind === "confidence") colour = confidences[at(Number(image) + 2 * run, x, y)];
        else colour = errors[kindOf(code(run, x, y) >> 4, code(run, x, y) & 15)];
        drawn.data.set([...colour, 255], 4 * (y * width + x));
      }
    context.putImageData(drawn, 0, 0);
  }
};

for (const article of all("[data-strip]")) {
  const shape = JSON.parse(article.dataset.shape);
  const input = article.querySelector("input");
  let pixels;
  input.addEventListener("input", async () => {
    article.querySelector("output").textContent = input.value;
    pixels ??= (async () => {
      const strip = new Image();
      strip.src = "data:image/png;base64," + document.getElementById(article.dataset.strip).textContent;
      await strip.decode();
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: strip.width, height: strip.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(strip, 0, 0);
      return context.getImageData(0, 0, strip.width, strip.height).data;
    })();
    drawSlice(article, shape, await pixels, Number(input.value) - 1);
    article.classList.add("sliding");
  });
}

addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
`;
