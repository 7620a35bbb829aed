// The smoke program as a test of Jest, whose globals are not Node's.
import { readFileSync } from "node:fs";
import { smoke } from "./smoke.mjs";

test("a service's program gives what it gives without Jest", async () => {
  expect(await smoke()).toBe(readFileSync(new URL("expected.txt", import.meta.url), "utf8"));
}, 120_000);
