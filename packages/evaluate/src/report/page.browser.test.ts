import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportPage } from "./page.js";
import { casePictures } from "./pictures/case-pictures.js";
import { madeArrays, madeReport, pictureCase } from "./report-data.test.helper.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const found = existsSync(executablePath);
const title = found ? "in Chromium" : `in Chromium (skipped: no ${executablePath}; CHROMIUM names another)`;

/** The problems that axe-core found: the rule, and the elements that break it. */
type Violation = readonly [rule: string, elements: readonly string[]];

describe.skipIf(!found)(title, () => {
  let browser: Browser;
  let folder: string;
  const pages = new Map<string, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pixelcal-report-"));
    browser = await chromium.launch({ executablePath });
    const stack = await casePictures(pictureCase(madeArrays("case_0004", [6, 40, 50], { runs: 2 })));
    const plane = await casePictures(
      pictureCase(madeArrays("case_0001", [60, 80], { runs: 2, image: false })),
    );
    const longNames = ["<script>alert(1)</script>", "שלום-עולם", "x".repeat(200)];
    const made = {
      one: madeReport({ cases: 1 }),
      pictures: madeReport({ cases: 12, runs: 2, classes: 4, absent: 3, pictures: [stack, plane] }),
      names: madeReport({ cases: 12, runs: 2, name: (i) => longNames[i] ?? `case ${i}` }),
      empty: madeReport({ cases: 12, empty: true }),
      many: madeReport({ cases: 200 }),
    };
    for (const [name, data] of Object.entries(made)) {
      const path = join(folder, `${name}.html`);
      await writeFile(path, reportPage(data));
      pages.set(name, pathToFileURL(path).href);
    }
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function opened(name: string, colorScheme: "light" | "dark" = "light", width = 1180) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: 900 },
      bypassCSP: false,
    });
    const page = await context.newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) said.push(request.url());
    });
    await page.goto(pages.get(name)!);
    return { context, page, said };
  }

  const schemes = ["light", "dark"] as const;
  const all = ["one", "pictures", "names", "empty"];
  test.each(all.flatMap((name) => schemes.map((scheme) => [name, scheme] as const)))(
    "%s, %s: nothing is requested or logged, and axe-core finds no violation",
    async (name, scheme) => {
      const { context, page, said } = await opened(name, scheme);
      expect(said).toEqual([pages.get(name)]);
      await page.evaluate(axe.source);
      const violations = await page.evaluate<readonly Violation[]>(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]))",
      );
      expect(violations).toEqual([]);
      await context.close();
    },
  );

  test.each([380, 760, 1180])(
    "no page is wider than a screen of %d pixels, no text smaller than 11",
    async (width) => {
      for (const name of all) {
        const { context, page } = await opened(name, "light", width);
        expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(
          width,
        );
        const smallest = await page.evaluate<number>(
          `Math.min(...[...document.querySelectorAll("svg text")].filter((text) => text.getBoundingClientRect().width > 0).map((text) => 12 * Math.abs(text.getScreenCTM().a || text.getScreenCTM().b)))`,
        );
        expect(smallest).toBeGreaterThanOrEqual(11);
        await context.close();
      }
    },
  );

  test("texts of a chart never overlap", async () => {
    for (const [name, width] of [
      ["pictures", 1180],
      ["pictures", 380],
      ["names", 1180],
      ["empty", 380],
    ] as const) {
      const { context, page } = await opened(name, "light", width);
      const overlapping = await page.evaluate<
        readonly string[]
      >(`[...document.querySelectorAll("svg")].flatMap((svg) => {
        const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
        return texts.flatMap(([a, p], i) => texts.slice(i + 1).filter(([, q]) =>
          p.width > 0 && q.width > 0 && p.left < q.right && q.left < p.right && p.top + 2 < q.bottom - 2 && q.top + 2 < p.bottom - 2,
        ).map(([b]) => a + " / " + b));
      })`);
      expect(overlapping).toEqual([]);
      await context.close();
    }
  });

  test("the table sorts, the slider draws its slice, and data are copied", async () => {
    const { context, page, said } = await opened("pictures");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const dice = (): Promise<readonly number[]> =>
      page.evaluate(
        `[...document.querySelectorAll("table.sort tbody tr")].map((row) => Number(row.cells[1].dataset.sort))`,
      );
    const button = page.locator("table.sort thead button").nth(1);
    await button.click();
    const up = await dice();
    expect(up).toEqual(up.toSorted((a, b) => a - b));
    await button.press("Enter");
    expect(await dice()).toEqual(up.toReversed());
    const slider = page.locator("input[type=range]");
    await slider.press("ArrowRight");
    await page.locator("article.sliding canvas").first().waitFor();
    expect(await page.locator("article.sliding output").textContent()).toBe(await slider.inputValue());
    const colours = await page.evaluate<number>(
      `new Set(document.querySelector('[data-tile^="errors"] canvas').getContext("2d").getImageData(0, 0, 50, 40).data).size`,
    );
    expect(colours).toBeGreaterThan(4);
    await page.locator('[data-copy="boundary-data"]').click();
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate<string>("navigator.clipboard.readText()")).toMatch(
      /^run,from,to,unit,pixels,gap/,
    );
    expect(said.slice(1)).toEqual([]);
    await context.close();
  });

  test("print keeps every chart and the whole table", async () => {
    const { context, page } = await opened("many");
    await page.emulateMedia({ media: "print" });
    const hidden = await page.evaluate<number>(
      `[...document.querySelectorAll("figure svg:not(.narrow)")].filter((svg) => svg.getBoundingClientRect().height < 50).length`,
    );
    expect(hidden).toBe(0);
    const height = await page.evaluate<number>(
      `document.querySelector(".tall").getBoundingClientRect().height`,
    );
    expect(height).toBeGreaterThan(200 * 15);
    // A printed page repeats texts of the header, and no buttons.
    const titles = "[...document.querySelectorAll('.sort thead th')].map((cell) => cell.innerText)";
    expect((await page.evaluate<readonly string[]>(titles)).slice(0, 2)).toEqual(["case", "Dice"]);
    expect(await page.locator(".sort thead button").first().isVisible()).toBe(false);
    await context.close();
  });
});
