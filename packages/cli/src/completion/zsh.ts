import { quoted } from "./quoted.js";
import type { CommandWords, OptionWords, Values, Words } from "./words.js";

/** Returns a script that completes the words in zsh, sourced or as a file _pixelcal on fpath. */
export function zshCompletion({ commands, options }: Words): string {
  const names = commands.map(
    ({ name, description }) => `    ${quoted(`${name}:${description.replaceAll(":", "\\:")}`)}`,
  );
  return `#compdef pixelcal
# zsh completion of pixelcal. Source it, for example in ~/.zshrc: source <(pixelcal completion zsh)
_pixelcal() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _arguments ${options.flatMap(optionSpecs).join(" ")}
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT -= 1 ))
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}
if [[ $funcstack[1] == _pixelcal ]]; then
  _pixelcal "$@"
elif (( $+functions[compdef] )); then
  compdef _pixelcal pixelcal
fi
`;
}

function commandCase({ name, options, argument }: CommandWords): string {
  const specs = options.flatMap(optionSpecs);
  if (argument) specs.push(quoted(`1:argument:${action(argument)}`));
  return `    ${name})\n      _arguments \\\n${specs.map((spec) => `        ${spec}`).join(" \\\n")}\n      ;;`;
}

function optionSpecs({ flags, description, values, optional }: OptionWords): string[] {
  const text = description.replaceAll(/[[\]\\:]/g, "\\$&");
  const value = values === undefined ? "" : `${optional ? "::" : ":"}value:${action(values)}`;
  return flags.map((flag) => quoted(`${flag}[${text}]${value}`));
}

function action(values: Values): string {
  switch (values.kind) {
    case "choices":
      return `(${values.choices.join(" ")})`;
    case "files":
      return "_files";
    case "folders":
      return "_files -/";
    case "text":
      return " ";
  }
}
