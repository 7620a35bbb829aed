// Mutations of bytes that know nothing of their format. Each takes and returns a Uint8Array
// and never changes its input.

const edges = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn];
const wide = [1n << 32n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n];
export const boundaries = [...edges, ...wide];

/** Words that the text parts of formats trip over. */
export const words = [
  ..."0 1 -1 -0 7 255 256 65536 2147483647 2147483648 -2147483648 4294967296 9007199254740992 1e308 1e999 -1e999".split(
    " ",
  ),
  ..."0x7f 1.5 NaN null true false .nan .inf ~ [] {} [0] \"\" '' None True [[[[ {{{{ __proto__ constructor".split(
    " ",
  ),
  ..."toString hasOwnProperty length /dev/zero ../x \u0000 \uffff \ud800 & * !!js/function @ ` % | > --- ? :".split(
    " ",
  ),
];

export const concat = (...parts) => new Uint8Array(Buffer.concat(parts));

export function splice(bytes, at, remove, insert = new Uint8Array(0)) {
  return concat(bytes.subarray(0, at), insert, bytes.subarray(at + remove));
}

function chunk(bytes, random) {
  const length = 1 + random.integer(Math.min(bytes.length, random.pick([4, 16, 64, 1 << 20])));
  return [random.integer(bytes.length - length + 1), length];
}

const operations = [
  function flip(bytes, random) {
    const copy = bytes.slice();
    for (let i = random.integer(4); i >= 0; i--) copy[random.integer(copy.length)] ^= 1 << random.integer(8);
    return copy;
  },
  function set(bytes, random) {
    const copy = bytes.slice();
    for (let i = random.integer(4); i >= 0; i--) {
      copy[random.integer(copy.length)] = random.pick([0, 0xff, 0x7f, 0x80, random.integer(256)]);
    }
    return copy;
  },
  function integer(bytes, random) {
    const copy = bytes.slice();
    const width = random.pick([1, 2, 4, 8]);
    if (copy.length < width) return copy;
    const at = random.integer(copy.length - width + 1);
    let value = random.pick(boundaries) + BigInt(random.integer(3) - 1);
    for (let i = 0; i < width; i++, value >>= 8n) copy[at + i] = Number(value & 255n);
    return copy;
  },
  function remove(bytes, random) {
    return splice(bytes, ...chunk(bytes, random));
  },
  function duplicate(bytes, random) {
    const [at, length] = chunk(bytes, random);
    return splice(bytes, at, 0, bytes.subarray(at, at + length));
  },
  function swap(bytes, random) {
    const [from, length] = chunk(bytes, random);
    const to = random.integer(bytes.length - length + 1);
    const copy = bytes.slice();
    copy.set(bytes.subarray(from, from + length), to);
    copy.set(bytes.subarray(to, to + length), from);
    return copy;
  },
  function cross(bytes, random, seeds) {
    const other = random.pick(seeds);
    return concat(
      bytes.subarray(0, random.integer(bytes.length + 1)),
      other.subarray(random.integer(other.length + 1)),
    );
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.integer(bytes.length));
  },
  function insert(bytes, random) {
    const noise = Uint8Array.from({ length: 1 + random.integer(16) }, () => random.integer(256));
    return splice(bytes, random.integer(bytes.length + 1), 0, noise);
  },
  text,
  text,
];

/** Replaces or inserts a word or number in a text. */
export function text(bytes, random) {
  const found = [
    ...Buffer.from(bytes)
      .toString("latin1")
      .matchAll(/[\w.+-]+/g),
  ];
  const word = Buffer.from(random.pick(words));
  if (found.length === 0 || random.oneIn(6)) return splice(bytes, random.integer(bytes.length + 1), 0, word);
  const { 0: old, index } = random.pick(found);
  return splice(bytes, index, old.length, word);
}

/** Makes one to three mutations of bytes, or changes one byte, which many a reader accepts. */
export function mutated(bytes, random, seeds) {
  let result = bytes;
  if (bytes.length > 0 && random.oneIn(3)) {
    result = bytes.slice();
    result[random.integer(result.length)] = random.pick([random.integer(256), 0, 1, 0xff]);
    return result;
  }
  for (let i = random.pick([0, 0, 0, 1, 2]); i >= 0; i--) {
    if (result.length === 0) return result;
    result = random.pick(operations)(result, random, seeds);
  }
  return result;
}
