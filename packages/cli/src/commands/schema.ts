import type { Command } from "commander";
import type { Context } from "../context.js";

export function addSchema(program: Command, context: Context): void {
  program
    .command("schema")
    .description("Print the JSON Schema (draft 2020-12) of configurations, for editors.")
    .action(async () => {
      const { configSchema } = await import("@pixelcal/train");
      context.output.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
    });
}
