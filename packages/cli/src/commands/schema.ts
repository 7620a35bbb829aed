import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { reportSchema, reportSchemas } from "../schemas/report-schemas.js";

type ReportCommand = keyof typeof reportSchemas;

export function addSchema(program: Command, context: Context): void {
  program
    .command("schema")
    .description("Print the JSON Schema (draft 2020-12) of configurations, for editors, or of a report.")
    .addOption(
      new Option(
        "--report <command>",
        "command whose --json report is described, in place of configurations",
      ).choices(Object.keys(reportSchemas)),
    )
    .action(async ({ report }: { readonly report?: ReportCommand }) => {
      const schema =
        report === undefined ? (await import("@pixelcal/train")).configSchema() : reportSchema(report);
      context.output.write(`${JSON.stringify(schema, null, 2)}\n`);
    });
}
