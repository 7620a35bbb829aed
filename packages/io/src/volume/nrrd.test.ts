import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nrrd-"));
});
afterAll(() => rm(folder, { recursive: true }));

const values = Uint8Array.from({ length: 12 }, (_, i) => i * 20);

/** Returns the bytes of a NRRD file of 3 x 2 x 2 bytes; leaves out a field set to "". */
function nrrd(
  fields: Readonly<Record<string, string>> = {},
  data: Uint8Array = values,
  more = "",
): Uint8Array {
  const all = { type: "uchar", dimension: "3", sizes: "3 2 2", encoding: "raw", ...fields };
  const lines = Object.entries(all).filter(([, value]) => value !== "");
  const head = `NRRD0004\n# made\n${lines.map(([key, value]) => `${key}: ${value}\n`).join("")}${more}\n`;
  return Buffer.concat([Buffer.from(head), data]);
}

const read = (bytes: Uint8Array) => readVolume(bytes, { source: "a.nrrd" });

async function refused(source: string | Uint8Array): Promise<string> {
  const error = await readVolume(source, { source: "a.nrrd" }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

const text = (data: ArrayLike<number>): Uint8Array => Buffer.from(Array.from(data).join(" "));

describe("encodings", () => {
  const big = Buffer.from(values.slice()).swap16();
  const cases: readonly [string, Uint8Array][] = [
    ["raw", nrrd()],
    ["gzip", nrrd({ encoding: "gz" }, gzipSync(values))],
    ["ascii", nrrd({ encoding: "ascii" }, text(values))],
    ["hex", nrrd({ encoding: "hex" }, Buffer.from(`${Buffer.from(values).toString("hex")}\n`))],
    ["byte skip", nrrd({ "byte skip": "2" }, Buffer.concat([values.subarray(0, 2), values]))],
    ["byte skip from the end", nrrd({ byteskip: "-1" }, Buffer.concat([values.subarray(0, 5), values]))],
    ["line skip", nrrd({ "line skip": "2" }, Buffer.concat([Buffer.from("a\nb\n"), values]))],
    [
      "byte skip in packed data",
      nrrd(
        { encoding: "gzip", "byte skip": "3", "line skip": "1" },
        Buffer.concat([Buffer.from("x\n"), gzipSync(Buffer.concat([values.subarray(0, 3), values]))]),
      ),
    ],
  ];
  test.each(cases)("%s", async (_, bytes) => {
    expect(await read(bytes)).toMatchObject({
      format: "NRRD",
      type: "uint8",
      shape: [3, 2, 2],
      data: values,
    });
  });

  test("numbers of several bytes in both orders", async () => {
    const expected = new Uint16Array(values.slice().buffer);
    for (const [endian, data] of [
      ["little", values],
      ["big", big],
    ] as const)
      expect((await read(nrrd({ type: "unsigned short", sizes: "3 2 1", endian }, data))).data).toEqual(
        expected,
      );
    expect(
      (await read(nrrd({ type: "double", sizes: "2 1 1", encoding: "text" }, Buffer.from("-1e3\n nan"))))
        .data,
    ).toEqual(Float64Array.of(-1000, Number.NaN));
    expect(
      (
        await read(
          nrrd({ type: "int64_t", sizes: "2 1 1", encoding: "text" }, Buffer.from("-5, 9223372036854775807")),
        )
      ).data,
    ).toEqual(BigInt64Array.of(-5n, 2n ** 63n - 1n));
  });
});

describe("detached", () => {
  const head = (field: string, more = "", fields = {}) =>
    nrrd({ ...fields, "data file": field }, new Uint8Array(0), more);
  test("one file, a list, a pattern", async () => {
    await writeFile(join(folder, "all.raw"), values);
    for (const i of [0, 1])
      await writeFile(join(folder, `s0${i + 1}.raw`), values.subarray(6 * i, 6 * i + 6));
    for (const i of [0, 1])
      await writeFile(join(folder, `s${i}.gz`), gzipSync(values.subarray(6 * i, 6 * i + 6)));
    const cases = [
      head("all.raw").subarray(0, -1),
      head("./all.raw"),
      head("LIST", "s01.raw\ns02.raw\n"),
      head("LIST 2", "s0.gz\ns1.gz\n", { encoding: "gzip" }),
      head("s%02d.raw 1 2 1"),
    ];
    for (const [i, bytes] of cases.entries()) {
      await writeFile(join(folder, `${i}.nhdr`), bytes);
      expect((await readVolume(join(folder, `${i}.nhdr`))).data).toEqual(values);
    }
  });

  test("nothing outside of the folder, nothing missing, no folder", async () => {
    const inner = join(folder, "inner");
    await mkdir(join(inner, "sub"), { recursive: true });
    await writeFile(join(folder, "secret.raw"), values);
    await writeFile(join(inner, "short.raw"), values.subarray(1));
    await symlink(join(folder, "secret.raw"), join(inner, "link.raw"));
    const cases: readonly [string, RegExp][] = [
      ["../secret.raw", /outside of the folder/],
      ["sub/../../secret.raw", /outside of the folder/],
      [join(folder, "secret.raw"), /outside of the folder/],
      ["C:\\secret.raw", /outside of the folder/],
      ["link.raw", /outside of the folder/],
      [".", /outside of the folder/],
      ["missing.raw", /data file.*no such file/],
      ["sub", /is a directory/],
      ["short.raw", /ended early/],
      ["s%d.raw 1 99999 1", /no files, or for more than 10000/],
      ["s%d.raw 1 2 0", /no files, or for more than 10000/],
      ["LIST", /expected 1 to 10000 names/],
    ];
    for (const [name, message] of cases) {
      await writeFile(join(inner, "a.nhdr"), head(name));
      expect(await refused(join(inner, "a.nhdr"))).toMatch(message);
    }
    expect(await refused(head("all.raw"))).toMatch(/read the header by its path/);
  });
});

describe("geometry", () => {
  const directions = "(0,2,0) (-3,0,0) (0,0,4)";
  const cases: readonly [string, Record<string, string>, object][] = [
    [
      "LPS",
      { space: "LPS", "space directions": directions, "space origin": "(1,2,3)" },
      {
        spacing: [2, 3, 4],
        origin: [1, 2, 3],
        direction: [
          [0, 1, 0],
          [-1, 0, 0],
          [0, 0, 1],
        ],
      },
    ],
    [
      "RAS",
      { space: "right-anterior-superior", "space directions": directions, "space origin": "(1,2,3)" },
      {
        spacing: [2, 3, 4],
        origin: [-1, -2, 3],
        direction: [
          [-0, -1, 0],
          [1, -0, 0],
          [-0, -0, 1],
        ],
      },
    ],
    [
      "LAS",
      { space: "LAS", "space directions": directions, "space origin": "(1,2,3)" },
      {
        origin: [1, -2, 3],
        direction: [
          [0, -1, 0],
          [-1, -0, 0],
          [0, -0, 1],
        ],
      },
    ],
    [
      "metres",
      { space: "LPS", "space directions": directions, "space units": '"m" "m" "m"' },
      { spacing: [2000, 3000, 4000], units: "m" },
    ],
    ["spacings alone", { spacings: "2 3 nan" }, { spacing: [2, 3, 1] }],
    [
      "two axes",
      { dimension: "2", sizes: "3 4", "space dimension": "2", "space directions": "(2,0) (0,3)" },
      {
        shape: [3, 4],
        spacing: [2, 3],
        direction: [
          [1, 0, 0],
          [0, 1, 0],
        ],
      },
    ],
    ["one axis", { dimension: "1", sizes: "12" }, { shape: [12], spacing: [1] }],
  ];
  test.each(cases)("%s", async (_, fields, expected) => {
    expect(await read(nrrd(fields))).toMatchObject(expected);
  });

  test.each([
    [
      "first",
      "2 3 2 1",
      "none (1,0,0) (0,1,0) (0,0,1)",
      [0, 40, 80, 120, 160, 200, 20, 60, 100, 140, 180, 220],
    ],
    [
      "in between",
      "3 2 2 1",
      "(1,0,0) none (0,1,0) (0,0,1)",
      [0, 20, 40, 120, 140, 160, 60, 80, 100, 180, 200, 220],
    ],
    ["last", "3 2 1 2", "(1,0,0) (0,1,0) (0,0,1) none", Array.from(values)],
  ])("classes on the %s axis", async (_, sizes, directions, data) => {
    const fields = { dimension: "4", sizes, space: "LPS", "space directions": directions };
    const volume = await read(nrrd(fields));
    expect(volume).toMatchObject({ channels: 2, shape: [3, 2, 1], data: Uint8Array.from(data) });
    const { "space directions": _directions, space: _space, ...plain } = fields;
    const kinds = directions.replaceAll(/\([^)]*\)/g, "domain").replace("none", "vector");
    expect((await read(nrrd({ ...plain, kinds }))).data).toEqual(volume.data);
  });

  test("names of segments", async () => {
    const pairs = "Segment0_LabelValue:=3\nSegment0_Name:=tumour: left\nSegment1_Name:=lost\n";
    expect((await read(nrrd({}, values, pairs))).names).toEqual(new Map([[3, "tumour: left"]]));
  });
});

const lies: readonly [string, Uint8Array, RegExp][] = [
  ["another version", Buffer.from("NRRD0009\n\n"), /magic.*NRRD0009/],
  ["no type", nrrd({ type: "" }), /type: is missing/],
  ["an unknown type", nrrd({ type: "block" }), /type: "block" is not read/],
  ["bzip2", nrrd({ encoding: "bz2" }), /encoding: "bz2" is not read; store it as raw or gzip/],
  ["no axes", nrrd({ dimension: "0" }), /dimension/],
  ["fewer kinds than axes", nrrd({ kinds: "domain domain" }), /kinds: expected 3, one per axis, got 2/],
  ["an unknown kind", nrrd({ kinds: "domain domain domaim" }), /kinds: "domaim" is no kind of an axis/],
  ["many axes", nrrd({ dimension: "17" }), /17 axes; at most 8/],
  ["sizes that are not decimal", nrrd({ sizes: "3 0x2 2" }), /sizes: expected 3 numbers/],
  ["sizes behind other blanks", nrrd({ sizes: "3 2\u00a02" }), /sizes: expected 3 numbers/],
  ["a skip that is not decimal", nrrd({ "byte skip": "0x1" }), /byte skip: expected a whole number/],
  ["fewer sizes than axes", nrrd({ sizes: "3 4" }), /sizes: expected 3 numbers, got "3 4" \(at byte \d+\)/],
  ["a size of 0", nrrd({ sizes: "3 0 2" }), /sizes of at least 1, got 0/],
  ["a negative size", nrrd({ sizes: "3 -2 2" }), /at least 1, got -2/],
  ["a size with a fraction", nrrd({ sizes: "3 1.5 2" }), /at least 1, got 1.5/],
  ["huge sizes", nrrd({ sizes: "100000 100000 100000" }), /exceeds the limit/],
  ["more than there is", nrrd({ sizes: "300 200 200" }), /ended early: 12000000 bytes/],
  [
    "less than packed",
    nrrd({ encoding: "gzip" }, gzipSync(values.subarray(1))),
    /ended early: unpacks to 11 bytes, 12/,
  ],
  [
    "more than packed can hold",
    nrrd({ encoding: "gzip", sizes: "1000 1000 1000" }, gzipSync(values)),
    /cannot unpack to the 1000000000/,
  ],
  ["a field twice", nrrd({ Type: "uchar" }), /type: is given twice/],
  ["no byte order", nrrd({ type: "short", sizes: "3 2 1" }), /endian: expected little or big/],
  ["a skip past the end", nrrd({ "byte skip": "9999999999" }), /ended early/],
  ["lines past the end", nrrd({ "line skip": "7" }), /line skip.*7 lines more/],
  ["a negative skip", nrrd({ "byte skip": "-2" }), /byte skip/],
  ["a line that is no field", nrrd({}, values, "what\n"), /expected "field: value", got "what" \(at byte/],
  [
    "words for numbers",
    nrrd({ encoding: "ascii" }, Buffer.from("1 2 3 4 5 6 7 8 9 10 11 x")),
    /"x" is not a value of this type \(number 11\)/,
  ],
  [
    "numbers beyond the type",
    nrrd({ encoding: "ascii" }, text([...values.subarray(1), 256])),
    /"256" is not a value/,
  ],
  ["too many numbers", nrrd({ encoding: "ascii" }, text([...values, 1])), /more than the 12 numbers/],
  [
    "too few numbers",
    nrrd({ encoding: "ascii" }, text([100, 100, 100, 100, 100, 100])),
    /6 numbers, the header declares 12/,
  ],
  ["digits that are none", nrrd({ encoding: "hex" }, Buffer.from("zz".repeat(12))), /not hexadecimal/],
  ["a control character", nrrd({ encoding: "hex" }, Buffer.from(`${"00".repeat(12)}\x1f`)), /25 hexadecimal/],
  ["few digits", nrrd({ encoding: "hex" }, Buffer.from("00")), /2 hexadecimal digits/],
  [
    "a NaN direction",
    nrrd({ space: "LPS", "space directions": "(nan,0,0) (0,1,0) (0,0,1)" }),
    /finite numbers/,
  ],
  [
    "a direction of length 0",
    nrrd({ space: "LPS", "space directions": "(0,0,0) (0,1,0) (0,0,1)" }),
    /positive, finite lengths/,
  ],
  [
    "directions in a plane",
    nrrd({ space: "LPS", "space directions": "(1,0,0) (0,1,0) (1,1,0)" }),
    /one plane or line/,
  ],
  [
    "no directions in space",
    nrrd({ space: "LPS", "space directions": "none none none" }),
    /1 to 3 axes in space, got 0/,
  ],
  [
    "too few directions",
    nrrd({ space: "LPS", "space directions": "(1,0,0) (0,1,0)" }),
    /expected 3 vectors or "none", got 2/,
  ],
  ["an unknown space", nrrd({ space: "mars" }), /space: "mars" is not known/],
  [
    "several units",
    nrrd({ space: "LPS", "space directions": "(1,0,0) (0,1,0) (0,0,1)", "space units": '"mm" "m" "mm"' }),
    /axes of different units/,
  ],
  ["a negative spacing", nrrd({ spacings: "1 -0 1" }), /positive, finite lengths/],
  [
    "a header without an end",
    Buffer.concat([Buffer.from("NRRD0004\n"), Buffer.alloc(2 ** 20 + 9, 65)]),
    /has no end within 1048576 bytes/,
  ],
];

describe("lies", () => {
  test.each(lies)("%s", async (_, bytes, message) => {
    expect(await refused(bytes)).toMatch(message);
  });
});
