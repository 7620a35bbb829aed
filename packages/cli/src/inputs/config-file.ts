import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, resolve } from "node:path";
import { FormatError, readRegularFileSync } from "@pixelcal/io";
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
  if (error) throw refused(`${path}: ${error.message.split(/:?\n/)[0]}`);
  try {
    return parseConfig(document.toJS({ maxAliasCount: 100 }), { runName: basename(path, extname(path)) });
  } catch (cause) {
    // ReferenceError: an alias without its anchor, or too many of them. RangeError: nested too deep.
    if (cause instanceof ConfigError || cause instanceof ReferenceError || cause instanceof RangeError)
      throw refused(`${path}: ${cause.message}`, cause);
    throw cause;
  }
}

function configText(path: string): string {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) throw refused(`${path}: no such configuration file`);
  if (entry.isDirectory()) throw refused(`${path}: expected a configuration file, found a folder`);
  if (entry.isFile() && entry.size > largestConfig)
    throw refused(
      `${path}: expected a configuration of at most ${largestConfig / 1024} KiB, got ${entry.size} bytes`,
    );
  try {
    return new TextDecoder().decode(readRegularFileSync(path, { maxFile: largestConfig }));
  } catch (cause) {
    throw cause instanceof FormatError ? refused(cause.message, cause) : cause;
  }
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
  refused(`${path}: expected at most ${deepest} nested lists and maps`, cause);

/** Returns the error of a configuration that must be changed. */
const refused = (message: string, cause?: unknown): CommandError =>
  new CommandError(message, { exitCode: 2, cause });

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
  if (isAbsolute(path)) throw refused(`${key}: ${here}: no such ${kind}${advice}`);
  const beside = resolve(dirname(configPath), path);
  if (!existsSync(beside)) throw refused(`${key}: found neither ${here} nor ${beside}${advice}`);
  report(`${key}: ${here} does not exist, reading ${beside}`);
  return beside;
}
