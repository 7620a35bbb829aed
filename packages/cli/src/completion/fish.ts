import type { OptionWords, Values, Words } from "./words.js";

/** Returns a script that completes the words in fish. */
export function fishCompletion({ commands, options }: Words): string {
  const lines = [
    "# fish completion of pixelcal. Save it as ~/.config/fish/completions/pixelcal.fish",
    "complete -c pixelcal -f",
    ...options.map((option) => optionLine("__fish_use_subcommand", option)),
  ];
  for (const { name, description, options: own, argument } of commands) {
    const here = `__fish_seen_subcommand_from ${name}`;
    lines.push(`complete -c pixelcal -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`);
    if (argument) lines.push(`complete -c pixelcal -n ${quoted(here)}${completed(argument)}`);
    for (const option of own) lines.push(optionLine(here, option));
  }
  return `${lines.join("\n")}\n`;
}

function optionLine(condition: string, { flags, description, values, optional }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  // -x needs a value and offers no files, -r needs one and may offer files.
  const needs = values === undefined || optional ? "" : values.kind === "files" ? " -r" : " -x";
  const value = values === undefined ? "" : completed(values);
  return `complete -c pixelcal -n ${quoted(condition)} ${names.join(" ")}${needs}${value} -d ${quoted(description)}`;
}

function completed(values: Values): string {
  switch (values.kind) {
    case "choices":
      return ` -a ${quoted(values.choices.join(" "))}`;
    case "files":
      return " -F";
    case "folders":
      return " -a '(__fish_complete_directories)'";
    case "text":
      return "";
  }
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
