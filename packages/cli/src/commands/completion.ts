import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.js";
import { fishCompletion } from "../completion/fish.js";
import { type Words, wordsOf } from "../completion/words.js";
import { zshCompletion } from "../completion/zsh.js";
import type { Context } from "../context.js";

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const satisfies Record<
  string,
  (words: Words) => string
>;
type Shell = keyof typeof scripts;

export function addCompletion(program: Command, context: Context): void {
  program
    .command("completion")
    .description("Print a script that completes commands, options and values in a shell.")
    .addArgument(new Argument("<shell>", "shell to complete in").choices(Object.keys(scripts)))
    .action((shell: Shell) => {
      context.output.write(scripts[shell](wordsOf(program)));
    });
}
