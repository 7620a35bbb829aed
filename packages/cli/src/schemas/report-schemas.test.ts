import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { reportSchema, reportSchemas } from "./report-schemas.js";

type Command = keyof typeof reportSchemas;
const commands = Object.keys(reportSchemas) as readonly Command[];
const compiled = (command: Command) =>
  new Ajv2020({ strict: true, strictTypes: false }).compile(reportSchema(command));

test("every command with --json has a schema, and no other", async () => {
  const { output } = await pixelcal(["--help"]);
  const known = [...output.matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== "help");
  const withJson: string[] = [];
  for (const name of known)
    if (/^ {2}--json /m.test((await pixelcal([name, "--help"])).output)) withJson.push(name);
  expect(withJson.toSorted()).toEqual(commands.toSorted());
});

describe.each(commands)("%s", (command) => {
  test("its schema is valid, and printed by pixelcal schema", async () => {
    compiled(command);
    const { code, output } = await pixelcal(["schema", "--report", command]);
    expect([code, JSON.parse(output)]).toEqual([0, reportSchema(command)]);
  });

  test("another report and an empty one are refused", () => {
    const validate = compiled(command);
    expect(validate({})).toBe(false);
    expect(
      validate({ command: command === "infer" ? "init" : "infer", folder: "f", split: "s", cases: [] }),
    ).toBe(false);
  });
});

test("a field that no report has, one of another type and one that is missing are refused", () => {
  const validate = compiled("report");
  const report = { command: "report", file: "f", bytes: 1, pictures: 0, runs: ["a"], cases: 3 };
  expect(validate(report)).toBe(true);
  expect(validate({ ...report, other: 1 })).toBe(false);
  expect(validate({ ...report, bytes: "1" })).toBe(false);
  expect(validate({ ...report, cases: undefined })).toBe(false);
});

test("numbers may be null or infinite where a score can be undefined", () => {
  const validate = compiled("train");
  const rest = { epochs: 1, bestEpoch: 1, stoppedEarly: false, parameters: 1, trained: 1, seconds: 1 };
  const train = { command: "train", run: "r", folder: "f", model: "m", checkpoint: "c", ...rest };
  expect(validate({ ...train, validation: { loss: "inf", dice: null, nll: 0.5, temperature: 1 } })).toBe(
    true,
  );
  expect(validate({ ...train, validation: { loss: "large", dice: null, nll: 0.5, temperature: 1 } })).toBe(
    false,
  );
});
