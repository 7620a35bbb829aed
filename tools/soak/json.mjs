// Mutations of JSON that leave it JSON: headers of safetensors and of states, and configurations.
import { words } from "./mutate.mjs";

const numbers = [
  0,
  -1,
  1,
  0.5,
  7,
  255,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e20,
  1e300,
  -1e300,
];

function strange(random) {
  return random.pick([
    () => random.pick(numbers),
    () => random.pick(numbers),
    () => random.pick([null, true, false, "", [], {}, [[]], [null], { a: 1 }]),
    () => random.pick(words),
    () => Array.from({ length: random.pick([1, 2, 9, 300]) }, () => random.pick(numbers)),
    () => Array.from({ length: 200 }).reduce((inner) => [inner], 1),
  ])();
}

const isObject = (value) => typeof value === "object" && value !== null;

/** Returns `value` with one change: of itself, or somewhere inside it. */
function changed(value, random) {
  if (!isObject(value) || random.oneIn(12)) return other(value, random);
  const entries = Object.entries(value);
  const place = random.integer(entries.length);
  const how = entries.length === 0 ? 0 : random.integer(10);
  const [key, item] = entries[place] ?? [];
  if (how === 0) entries.push([random.pick(words), strange(random)]);
  else if (how === 1) entries.splice(place, 1);
  else if (how === 2) entries[place] = [random.pick(words), item];
  else if (how === 3) entries[place] = [key, random.pick(entries)[1]];
  else entries[place] = [key, changed(item, random)];
  // All are own fields, even "__proto__".
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

function other(value, random) {
  if (random.oneIn(3)) return strange(random);
  if (typeof value === "number")
    return random.pick([value + 1, value - 1, -value, value * 2, value / 2, ...numbers]);
  if (typeof value === "string") {
    const at = random.integer(value.length + 1);
    return random.pick([
      value.toUpperCase(),
      `${value.slice(0, at)}${random.pick(words)}${value.slice(at)}`,
      value.slice(0, at),
      [value],
    ]);
  }
  if (typeof value === "boolean") return !value;
  return random.pick([[value], { a: value }, strange(random)]);
}

/** Makes one to three changes of a JSON value. */
export function mutatedJson(value, random) {
  let result = value;
  for (let i = random.pick([0, 0, 1, 2]); i >= 0; i--) result = changed(result, random);
  return result;
}
