import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, resolve } from "node:path";
import { ConfigError, parseConfig, type TrainConfig } from "@pixelcal/train";
import { parseDocument } from "yaml";
import { CommandError } from "./command-error.js";

const largestFile = 1 << 20;

/** Reads a YAML or JSON configuration. Errors begin with the file's name. */
export function readConfig(path: string): TrainConfig {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) throw new CommandError(`${path}: no such configuration file`);
  if (entry.isDirectory()) throw new CommandError(`${path}: expected a configuration file, found a folder`);
  const { size } = entry;
  if (size > largestFile)
    throw new CommandError(`${path}: expected a configuration of at most 1 MiB, got ${size} bytes`);
  const document = parseDocument(readFileSync(path, "utf8"), { prettyErrors: true });
  const [error] = document.errors;
  // The first line says what and where; the lines below it, which are left out, draw it.
  if (error) throw new CommandError(`${path}: ${error.message.split(/:?\n/)[0]}`, { exitCode: 2 });
  try {
    return parseConfig(document.toJS({ maxAliasCount: 100 }), { runName: basename(path, extname(path)) });
  } catch (cause) {
    // ReferenceError: an alias without its anchor, or too many of them.
    if (cause instanceof ConfigError || cause instanceof ReferenceError)
      throw new CommandError(`${path}: ${cause.message}`, { exitCode: 2, cause });
    throw cause;
  }
}

/**
 * The folder of the data: what the command line says, else `dataset.root` from the working directory as in the authors'
 * repository, else from the configuration's folder, which is reported.
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

/** The configuration with the path of its ONNX file, if it has one, found like `dataset.root`. */
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
