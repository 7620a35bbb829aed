// The errors that bad input may cause. Anything else that reaches a caller is our fault.
export const typed = {
  onnx: ["GraphError", "UnsupportedOpError", "InvalidArgumentError"],
  npy: ["FormatError"],
  npz: ["FormatError"],
  volume: ["FormatError"],
  safetensors: ["FormatError"],
  checkpoint: ["FormatError"],
  config: ["CommandError", "ConfigError"],
  state: ["InvalidArgumentError"],
  core: ["InvalidArgumentError"],
  native: [],
  kills: [],
};

// An error thrown by a caller's own getter comes back unchanged.
export class Planted extends Error {}

// Node-API has no classes of its own: a message of ours names the argument first.
const ofNative = (error) =>
  error?.code === "INVALID_ARGUMENT" ||
  error?.code === "CANCELLED" ||
  (error instanceof Error && /^[a-z][\w.[\]]*: expected/i.test(error.message));

const named = (error) => (error instanceof Error ? error.constructor.name : typeof error);

/** Whether `error` is one that a reader of this kind may throw. */
export const isTyped = (kind, error) =>
  error instanceof Planted || typed[kind].includes(named(error)) || (kind === "native" && ofNative(error));

/** Describes an error in one line, what was thrown and where, the same for the same fault. */
export function signature(error) {
  if (!(error instanceof Error)) return `${typeof error} thrown: ${String(error).slice(0, 80)}`;
  const frame =
    /\/(packages|native)\/[^\s)]*?([\w-]+\.m?[jt]s):\d+/.exec(error.stack ?? "")?.[0] ?? "no frame of ours";
  const message = error.message
    .replace(/\d+/g, "N")
    .replace(/["'`].*?["'`]/g, "S")
    .slice(0, 60);
  return `${named(error)}: ${message} at ${frame.replace(/^\/|dist\//g, "")}`;
}
