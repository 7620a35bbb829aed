import { describe, expect, test } from "vitest";
import { duration, Pace, progressLine, Terminal } from "./terminal.js";

function recorder(properties: { isTTY?: boolean; columns?: number } = {}): {
  text: string;
  write(text: string): boolean;
} {
  return {
    text: "",
    write(text: string): boolean {
      this.text += text;
      return true;
    },
    ...properties,
  };
}

const step = { label: "epoch 1/2", done: 5, total: 10, values: ["loss 0.5"] };

describe("in a log", () => {
  test.each([
    ["a pipe", {}, {}],
    ["a dumb terminal", { isTTY: true }, { TERM: "dumb" }],
  ])("%s gets whole lines without escape codes", (_, properties, environment) => {
    const output = recorder(properties);
    const terminal = new Terminal(output, { environment });
    terminal.progress(step);
    terminal.line("epoch 1 done");
    terminal.warn("slow");
    terminal.error("no");
    terminal.clear();
    expect(output.text).toBe("epoch 1 done\nwarning: slow\nerror: no\n");
  });
});

describe("on a terminal", () => {
  test("one line is redrawn, then removed before the next whole line", () => {
    const output = recorder({ isTTY: true, columns: 60 });
    let now = 0;
    const terminal = new Terminal(output, { environment: {}, now: () => now });
    terminal.progress(step);
    now = 50;
    terminal.progress({ ...step, done: 6 });
    now = 100;
    terminal.progress({ ...step, done: 7 });
    terminal.line("done");
    expect(output.text).toBe(
      "\repoch 1/2 [##########..........] 5/10 loss 0.5\x1b[K" +
        "\repoch 1/2 [##############......] 7/10 loss 0.5\x1b[K" +
        "\r\x1b[Kdone\n",
    );
  });

  test("the last step is always drawn", () => {
    const output = recorder({ isTTY: true });
    const terminal = new Terminal(output, { environment: {}, now: () => 0 });
    terminal.progress(step);
    terminal.progress({ ...step, done: 10 });
    expect(output.text).toContain("10/10");
  });

  test.each([
    ["colour", {}, "\x1b[33mwarning:\x1b[0m x\n"],
    ["NO_COLOR", { NO_COLOR: "1" }, "warning: x\n"],
  ])("%s", (_, environment, text) => {
    const output = recorder({ isTTY: true });
    new Terminal(output, { environment }).warn("x");
    expect(output.text).toBe(text);
  });
});

test("a progress line never wraps", () => {
  expect(progressLine(step, 20)).toHaveLength(20);
  expect(progressLine({ label: "x", done: 0, total: 0 }, 80)).toBe("x [....................] 0/0");
});

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [60, "1:00"],
  [185, "3:05"],
  [3723, "1:02:03"],
  [Number.POSITIVE_INFINITY, "?"],
])("%f seconds", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test("pace counts only what was done since it began", () => {
  let now = 1000;
  const pace = new Pace(() => now, 10);
  expect(pace.at(10, 30)).toEqual({ rate: 0, remaining: Number.POSITIVE_INFINITY });
  now = 3000;
  expect(pace.at(14, 30)).toEqual({ rate: 2, remaining: 8 });
});
