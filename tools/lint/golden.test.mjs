import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The folders of golden files, including nested ones. */
const folders = readdirSync(join(root, "packages"))
  .map((name) => join(root, "packages", name, "test", "golden"))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => [
    folder,
    ...readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name)),
  ]);

const pins = new Map(
  readFileSync(join(root, "tools", "golden", "requirements.txt"), "utf8")
    .split("\n")
    .filter((line) => line.includes("=="))
    .map((line) => line.split("==")),
);

test.each(folders.map((folder) => [relative(root, folder), folder]))(
  "%s records its versions",
  (_, folder) => {
    const recorded = json(join(folder, "versions.json"));
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "versions.json")
      .map(({ name }) => name);
    expect(Object.keys(recorded).sort()).toEqual(files.sort());
    for (const [file, versions] of Object.entries(recorded))
      for (const [name, version] of Object.entries(versions)) {
        const found = `${file}: ${name} ${version}`;
        if (version === "not recorded" || /^[0-9a-f]{40}$/.test(version)) continue;
        expect(found.replace("+cpu", "")).toBe(`${file}: ${name} ${pins.get(name)}`);
      }
  },
);
