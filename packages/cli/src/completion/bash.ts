import { quoted } from "./quoted.js";
import type { Values, Words } from "./words.js";

/** Returns a script that completes the words in bash 3.2 or newer. */
export function bashCompletion({ commands, options }: Words): string {
  const flagsOf = (all: Words["options"]): string => all.flatMap(({ flags }) => flags).join(" ");
  const values = commands.flatMap((command) =>
    command.options.flatMap(({ flags, values, optional }) =>
      values === undefined ? [] : [valueCase(command.name, flags, values, optional)],
    ),
  );
  const words = commands.map(
    ({ name, options, argument }) =>
      `    ${name})\n${argument ? `      ${complete(argument, " ")}\n` : ""}      flags=${quoted(flagsOf(options))} ;;`,
  );
  const first = [...commands.map(({ name }) => name), flagsOf(options)].join(" ");
  return `# bash completion of pixelcal. Source it, for example in ~/.bashrc: source <(pixelcal completion bash)
_pixelcal_words() {
  local IFS=$' \\t\\n' found
  found=$(compgen -W "$1" -- "$current")
  IFS=$'\\n'
  COMPREPLY+=($found)
}
_pixelcal_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen "$1" -- "$current"))
}
_pixelcal() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} flags=
  COMPREPLY=()
  # Bash splits --option=value into three words.
  if [ "$current" = "=" ]; then
    current=
  elif [ "$previous" = "=" ]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    _pixelcal_words ${quoted(first)}
    return
  fi
  case "\${COMP_WORDS[1]} $previous" in
${values.join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${words.join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=(); _pixelcal_words "$flags" ;;
    *) [ \${#COMPREPLY[@]} -gt 0 ] || _pixelcal_words "$flags" ;;
  esac
}
complete -F _pixelcal pixelcal
`;
}

function valueCase(command: string, flags: readonly string[], values: Values, optional: boolean): string {
  const patterns = flags.map((flag) => quoted(`${command} ${flag}`)).join("|");
  // After an option whose value may be left out another option may follow.
  const end = optional ? `case "$current" in -*) COMPREPLY=() ;; *) return ;; esac` : "return";
  return `    ${patterns}) ${complete(values, " ")} ${end} ;;`;
}

function complete(values: Values, end: string): string {
  switch (values.kind) {
    case "choices":
      return `_pixelcal_words ${quoted(values.choices.join(" "))};${end}`.trimEnd();
    case "files":
      return "_pixelcal_paths -f;";
    case "folders":
      return "_pixelcal_paths -d;";
    case "text":
      return "";
  }
}
