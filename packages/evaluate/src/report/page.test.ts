import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { reportPage } from "./page.js";
import { casePictures } from "./pictures/case-pictures.js";
import { madeArrays, madeReport, pictureCase } from "./report-data.test.helper.js";

const hostile = [
  "</script><script>alert(1)</script>",
  "שלום-עולם",
  "x".repeat(200),
  'a" onload="alert(1)',
  "<!--",
];
const reports = {
  "1 case": madeReport({ cases: 1 }),
  "5 cases": madeReport({ cases: 5, runs: 2 }),
  "200 cases": madeReport({ cases: 200, runs: 2, classes: 4, absent: 3 }),
  "empty masks": madeReport({ cases: 12, empty: true }),
  "hostile names": madeReport({ cases: 12, runs: 2, name: (i) => hostile[i] ?? `case ${i}` }),
};

test.each(Object.entries(reports))(
  "%s: equal data give equal bytes, without NaN and undefined",
  (_, data) => {
    const page = reportPage(data);
    expect(reportPage(structuredClone(data)) === page).toBe(true);
    const markup = page.replace(/<(script|style)[^>]*>.*?<\/\1>| data-sort="[^"]*"/gs, "");
    expect(/.{30}(NaN|Infinity|\[object|>undefined undefined|="undefined).{30}/.exec(markup)).toBeNull();
  },
);

test("the policy allows the page's own style and script, and pictures within the file", () => {
  const page = reportPage(reports["5 cases"]);
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll("&#39;", "'");
  const hash = (tag: string): string => {
    const text = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(page)![1]!;
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  expect(policy).toBe(
    `default-src 'none'; style-src ${hash("style")}; script-src ${hash("script")}; img-src data:; base-uri 'none'; form-action 'none'`,
  );
  expect(/\sstyle="|\son[a-z]+="|https?:|src="(?!data:)/.exec(page)).toBeNull();
});

test("names are text wherever they stand", () => {
  const page = reportPage(reports["hostile names"]);
  expect(page.match(/<script>/g)).toHaveLength(1);
  expect(page.includes("<!--")).toBe(false);
  expect(page.includes("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;")).toBe(true);
  expect(page.includes("<bdi>שלום-עולם</bdi>")).toBe(true);
});

test("every chart has its data as CSV, and every mark of a run a title", () => {
  const page = reportPage(reports["200 cases"]);
  const blocks = [...page.matchAll(/<script type="application\/json" id="([^"]+)">(.*?)<\/script>/gs)];
  const data = new Map(blocks.map(([, id, json]) => [id, JSON.parse(json!) as { csv: string }]));
  const buttons = [...page.matchAll(/data-copy="([^"]+)"/g)].map(([, id]) => id!);
  expect(buttons.toSorted()).toEqual([...data.keys()].toSorted());
  expect(data.get("cases-chart-data")!.csv.split("\n")).toHaveLength(202);
  expect(data.get("reliability-1-data")!.csv).toMatch(/^low,high,pixels,confidence,accuracy,band low/);
  for (const [mark] of page.matchAll(/<(circle|rect)[^>]*class="mark [ab]"[^>]*>(<title>)?/g))
    if (!/r="4"|width="7.2"/.test(mark)) expect(mark).toContain("<title>");
});

test("200 cases with 12 in pictures of 24 slices take at most 6 MB", async () => {
  const pictures = await casePictures(pictureCase(madeArrays("case_0004", [30, 320, 320], { runs: 2 })));
  const page = reportPage({ ...reports["200 cases"], pictures: Array.from({ length: 12 }, () => pictures) });
  expect(Buffer.byteLength(page)).toBeLessThan(6e6);
});
