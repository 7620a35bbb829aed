import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, resolve } from "node:path";
import { readRegularFileSync } from "@pixelcal/io";
import { ConfigError, parseConfig, type TrainConfig } from "@pixelcal/train";
import { type Document, parseDocument } from "yaml";
import { CommandError } from "../command-error.js";

/** The largest size of a configuration in bytes, hundreds of times what any needs. */
export const largestConfig: number = 1 << 18;
const deepest = 64;

/** Reads a YAML or JSON configuration. Errors begin with the file's name. */
export function readConfig(path: string): TrainConfig {
  const document = parse(path, configText(path));
  const [error] = document.errors;
  // The first line of the message has problem and place; the lines below, which are left out, draw it.
  if (error?.message.startsWith("Maximum call stack")) throw tooDeep(path, error);
  if (error) throw new CommandError(`${path}: ${error.message.split(/:?\n/)[0]}`, { exitCode: 2 });
  try {
    return parseConfig(document.toJS({ maxAliasCount: 100 }), { runName: basename(path, extname(path)) });
  } catch (cause) {
    // ReferenceError: an alias without its anchor, or too many of them. RangeError: nested too deep.
    if (cause instanceof ConfigError || cause instanceof ReferenceError || cause instanceof RangeError)
      throw new CommandError(`${path}: ${cause.message}`, { exitCode: 2, cause });
    throw cause;
  }
}

function configText(path: string): string {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) throw new CommandError(`${path}: no such configuration file`);
  if (entry.isDirectory()) throw new CommandError(`${path}: expected a configuration file, found a folder`);
  if (entry.isFile() && entry.size > largestConfig)
    throw new CommandError(
      `${path}: expected a configuration of at most ${largestConfig / 1024} KiB, got ${entry.size} bytes`,
    );
  const bytes = readRegularFileSync(path, { maxFile: largestConfig });
  return new TextDecoder().decode(bytes);
}

/**
 * Parses a text into a document; bounds its nesting first, because the recursive parser would run out of
 * stack.
 */
function parse(path: string, text: string): Document.Parsed {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > deepest) throw tooDeep(path);
  }
  try {
    // The parser warns on the process of a map used as a key; parseConfig refuses it as an unknown key.
    return parseDocument(text, { prettyErrors: true, logLevel: "error" });
  } catch (cause) {
    // "- - - -" and "? ? ?" nest without brackets.
    if (cause instanceof RangeError) throw tooDeep(path, cause);
    throw cause;
  }
}

const tooDeep = (path: string, cause?: unknown): CommandError =>
  new CommandError(`${path}: expected at most ${deepest} nested lists and maps`, { exitCode: 2, cause });

/**
 * Returns the folder of the data: the command line's, else `dataset.root` from the working directory as in
 * the authors' repository, else from the configuration's folder, which is reported.
 */
export function dataRoot(
  config: TrainConfig,
  configPath: string,
  data: string | undefined,
  report: (text: string) => void,
): string {
  if (data !== undefined) return resolve(data);
  return locate("dataset.root", "folder", config.dataset.root, configPath, report);
}

/** Returns the configuration with the path of its ONNX file, if it has one, found like `dataset.root`. */
export function locateModel(
  config: TrainConfig,
  configPath: string,
  report: (text: string) => void,
): TrainConfig {
  const { model } = config;
  if (!("onnx" in model)) return config;
  return {
    ...config,
    model: { ...model, onnx: locate("model.onnx", "file", model.onnx, configPath, report) },
  };
}

function locate(
  key: string,
  kind: "file" | "folder",
  path: string,
  configPath: string,
  report: (text: string) => void,
): string {
  const here = resolve(path);
  const advice = kind === "folder" ? "; --data ROOT names another" : "";
  if (existsSync(here)) return here;
  if (isAbsolute(path)) throw new CommandError(`${key}: ${here}: no such ${kind}${advice}`);
  const beside = resolve(dirname(configPath), path);
  if (!existsSync(beside)) throw new CommandError(`${key}: found neither ${here} nor ${beside}${advice}`);
  report(`${key}: ${here} does not exist, reading ${beside}`);
  return beside;
}
