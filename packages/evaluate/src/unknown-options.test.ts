import { expect, test } from "vitest";
import { evaluate } from "./index.js";

test("an unknown option is refused with the nearest name", async () => {
  const options = { conventions: "reference" } as never;
  await expect(evaluate([], options)).rejects.toThrow(
    'options.conventions: unknown option (did you mean "convention"?)',
  );
});
