import { call, callSync, native } from "../binding.js";
import { checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import type { Labels } from "../tensor.js";

const names = optionNames<SignalOption>({ signal: true });

/**
 * Returns a hash of labels and their shape, the same for the same numbers in any integer type: 32 hexadecimal
 * digits, the first half of a SHA-256.
 */
export async function labelHash(labels: Labels, options: SignalOption = {}): Promise<string> {
  return shown(await call(native.labelHash, hashRequest(labels, options), options.signal));
}

/** Runs {@link labelHash} on the calling thread. */
export function labelHashSync(labels: Labels): string {
  return shown(callSync(() => native.labelHashSync(hashRequest(labels, {}))));
}

function hashRequest(labels: Labels, options: SignalOption): Parameters<typeof native.labelHash>[0] {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  checkTensor("labels", labels, ["uint8", "int32", "int64"], [1, 5]);
  return { labels: labels.data, text: hashText(labels.dims) };
}

/** Returns the text that is hashed with labels of these dims. */
export const hashText = (dims: readonly number[]): string => `${dims.join()}:`;

/** Returns the hash of a digest that comes as numbers of 32 bits. */
export function hashOfWords(words: Float64Array): string {
  let digest = "";
  for (const word of words) digest += word.toString(16).padStart(8, "0");
  return shown(digest);
}

const shown = (digest: string): string => digest.slice(0, 32);
