import type { Argument, Command, Option } from "commander";

/** The values that an option or an argument takes, as far as a shell can complete them. */
export type Values =
  | { readonly kind: "choices"; readonly choices: readonly string[] }
  | { readonly kind: "files" | "folders" | "text" };

export interface OptionWords {
  /** The spellings, for example "-V" and "--version". */
  readonly flags: readonly string[];
  readonly description: string;
  /** The values; undefined for a switch. */
  readonly values?: Values;
  /** Whether the value may be left out. */
  readonly optional: boolean;
}

export interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** The values of the argument, if the command takes one. */
  readonly argument?: Values;
}

/** The words of a command line. */
export interface Words {
  readonly commands: readonly CommandWords[];
  /** The options without a command. */
  readonly options: readonly OptionWords[];
}

/** Returns the words of a program, from the table of options that parses its command line. */
export function wordsOf(program: Command): Words {
  const { commands, options } = commandWords(program);
  return { commands: commands.map(commandWords), options };
}

function commandWords(command: Command): CommandWords & { readonly commands: readonly Command[] } {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    commands: help.visibleCommands(command).filter((each) => each.name() !== "help"),
    options: help.visibleOptions(command).map(optionWords),
    ...(argument && { argument: valuesOf(argument, argument.name()) }),
  };
}

function optionWords(option: Option): OptionWords {
  const { short, long, description, required, optional } = option;
  const flags = [short, long].filter((flag) => flag !== undefined);
  const [, placeholder] = /[<[]([\w-]+)[>\]]/.exec(option.flags) ?? [];
  const values = required || optional ? valuesOf(option, placeholder!) : undefined;
  return { flags, description, optional, ...(values && { values }) };
}

const files: ReadonlySet<string> = new Set(["file", "model", "checkpoint"]);
const folders: ReadonlySet<string> = new Set(["folder", "root"]);

function valuesOf({ argChoices: choices }: Option | Argument, placeholder: string): Values {
  if (choices !== undefined) return { kind: "choices", choices };
  return { kind: files.has(placeholder) ? "files" : folders.has(placeholder) ? "folders" : "text" };
}
