import { readFileSync } from "node:fs";
import { configSchema, type JsonSchema } from "@pixelcal/train";
import { expect, test } from "vitest";

const page = readFileSync(new URL("configuration.md", import.meta.url), "utf8");
const sections = (name: string): boolean =>
  /^(loss|sdc|nacl|mbls|svls|fcl|ecp|dicece|focal|labelsmoothing)$/.test(name);

/** Returns the paths of a schema's keys; the options of losses and methods have tables of their own. */
function pathsOf({ properties = {}, anyOf = [] }: JsonSchema, prefix = ""): readonly string[] {
  const own = Object.entries(properties as Record<string, JsonSchema>).flatMap(([key, inner]) => {
    const deeper = sections(key) ? [] : pathsOf(inner, `${prefix}${key}.`);
    return deeper.length > 0 ? deeper : [`${prefix}${key}`];
  });
  return [...own, ...(anyOf as JsonSchema[]).flatMap((inner) => pathsOf(inner, prefix))];
}

test("the page names every key of a configuration", () => {
  const paths = [...new Set(pathsOf(configSchema()))];
  expect(paths).toEqual(expect.arrayContaining(["model.onnx", "optim.lr", "trainable.only", "sdc"]));
  // `warmup_steps` stands in the row of `scheduler.warmup`, `loss` with its fields.
  const named = (path: string): boolean =>
    page.includes(`\`${path}\``) ||
    page.includes(`\`${path.split(".").at(-1)}\``) ||
    page.includes(`\`${path}: `);
  expect(paths.filter((path) => !named(path))).toEqual([]);
});
