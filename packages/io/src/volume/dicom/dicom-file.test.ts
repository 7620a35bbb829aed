import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import {
  type DicomElements,
  dataSetBytes,
  dicomBytes,
  imageElements,
  implicitSyntax,
} from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { tags } from "./tags.js";

/** Tags that no reader uses. */
const unread = {
  referencedImages: 0x00081140,
  referencedClass: 0x00081150,
  referencedInstance: 0x00081155,
  referencedInstances: 0x00081199,
  iconImages: 0x00880200,
  privateBlock: 0x00091010,
  patientName: 0x00100010,
};

const values = [1, 256, 515, 65535, 4, 5];
const little = new Uint8Array(Uint16Array.from(values).buffer);
const big = little.map((_, i) => little[i ^ 1]!);

/** A sequence that no reader needs, nested, with an item of no elements and an icon of packed pixels. */
const nested: DicomElements = {
  [unread.referencedImages]: [
    "SQ",
    [
      {
        [unread.referencedClass]: ["UI", "1.2"],
        [unread.referencedInstances]: ["SQ", [{}, { [unread.referencedInstance]: ["UI", "1"] }]],
      },
    ],
  ],
  [unread.iconImages]: ["SQ", [{ [tags.pixels]: ["OB", { fragments: [Uint8Array.of(1, 2)] }] }]],
};

describe("encodings", () => {
  test.each([
    ["explicit", `${implicitSyntax}.1`, little],
    ["explicit, big endian", `${implicitSyntax}.2`, big],
    ["implicit", implicitSyntax, little],
  ])("%s: values, sequences with lengths and without", async (_, syntax, pixels) => {
    for (const open of [false, true]) {
      // An implicit icon has no type that would mark its fragments.
      const { [unread.referencedImages]: sequence } = nested;
      const more = syntax === implicitSyntax ? { [unread.referencedImages]: sequence! } : nested;
      const volume = await readVolume(dicomBytes(imageElements({ pixels, more }), { syntax, open }));
      expect(volume).toMatchObject({ format: "DICOM", type: "uint16", shape: [3, 2], units: "mm" });
      expect([...volume.data]).toEqual(values);
      expect(volume.notes).toEqual([]);
    }
  });

  test("a deflated data set, also with gzip's checksum behind it, and none of a bomb", async () => {
    const options = (tail: number) => ({
      syntax: `${implicitSyntax}.1.99`,
      pack: (bytes: Uint8Array) => Buffer.concat([deflateRawSync(bytes), new Uint8Array(tail).fill(7)]),
    });
    for (const tail of [0, 8])
      expect([
        ...(await readVolume(dicomBytes(imageElements({ pixels: little }), options(tail)))).data,
      ]).toEqual(values);
    expect(await refusalOf(dicomBytes(imageElements(), options(40)))).toContain("not packed data");
    const bomb = { syntax: `${implicitSyntax}.1.99`, pack: () => deflateRawSync(new Uint8Array(2 ** 24)) };
    expect(await refusalOf(dicomBytes({}, bomb))).toContain("missing");
  });

  test("a data set without preamble or head, with a note", async () => {
    for (const explicit of [true, false]) {
      const bytes = dataSetBytes(imageElements({ pixels: little }), { explicit });
      const volume = await readVolume(bytes);
      expect([...volume.data]).toEqual(values);
      expect(volume.notes[0]).toContain(explicit ? "Explicit VR Little Endian" : "Implicit VR Little Endian");
    }
  });

  test("a data set whose encoding is not that of its head, with a note", async () => {
    for (const explicit of [true, false]) {
      const body = dataSetBytes(imageElements({ pixels: little }), { explicit });
      const head = dicomBytes({}, { syntax: explicit ? implicitSyntax : `${implicitSyntax}.1` });
      const volume = await readVolume(Buffer.concat([head, body]));
      expect([...volume.data]).toEqual(values);
      expect(volume.notes[0]).toContain(`the data set is ${explicit ? "explicit" : "implicit"}, against`);
    }
  });

  test("a head longer than the first read", async () => {
    const more: DicomElements = { [unread.privateBlock]: ["OB", new Uint8Array(300_000)] };
    expect([...(await readVolume(dicomBytes(imageElements({ pixels: little, more })))).data]).toEqual(values);
    expect(await refusalOf(dicomBytes(imageElements({ more })), { limits: { maxIndex: 100_000 } })).toContain(
      "exceeds the limit of 100000 bytes",
    );
  });
});

describe("refusals", () => {
  const cut = (end: number) => dicomBytes(imageElements({ more: nested })).slice(0, end);
  const whole = cut(1e9).length;

  test("every file that is cut anywhere", async () => {
    for (let end = 1; end < whole; end++) await refusalOf(cut(end), { source: "a.dcm" });
    await readVolume(cut(whole));
  });

  test.each<[string, Uint8Array, string]>([
    ["no DICOM file", new Uint8Array(200), "DICM is missing (at byte 128)"],
    ["within gzip", gzipSync(dicomBytes(imageElements())), "within gzip"],
    ["an unknown transfer syntax", dicomBytes({}, { syntax: "1.2.3" }), '"1.2.3" is not known'],
    [
      "no pixels",
      dicomBytes({ ...imageElements(), [tags.pixels]: ["OB", "" as never] }).slice(0, -12),
      "missing",
    ],
    ["an index", dicomBytes({ [tags.directoryRecords]: ["SQ", [{}]] }), "is a DICOMDIR"],
    ["an element twice", twice(), "comes a second time"],
    ["a type that is none", badType(), '"a!" is no type of a value'],
    ["an item beyond its sequence", longItem(), "its sequence has"],
    ["nesting without end", dicomBytes(deep(40), { open: true }), "nested more than 32 deep"],
    ["a lie about the length", lie(), "ended early: 4294967280 bytes"],
  ])("%s", async (_, bytes, message) => {
    expect(await refusalOf(bytes, { source: "a.dcm" })).toContain(message);
  });

  function twice(): Uint8Array {
    const [bytes, again] = [
      dicomBytes({ [tags.modality]: ["CS", "CT"] }),
      dataSetBytes({ [tags.modality]: ["CS", "MR"] }),
    ];
    return Buffer.concat([bytes, again]);
  }

  function badType(): Uint8Array {
    const bytes = dicomBytes({ [tags.modality]: ["CS", "CT"] });
    bytes.set(Buffer.from("a!"), bytes.length - 6);
    return bytes;
  }

  function longItem(): Uint8Array {
    const sequence: DicomElements = {
      [unread.referencedImages]: ["SQ", [{ [unread.referencedClass]: ["UI", "1.2"] }]],
    };
    const bytes = dicomBytes({ ...sequence, [unread.patientName]: ["PN", "a"] });
    // The item's length, 12, lies before its element and the name.
    bytes[bytes.length - 26] = 14;
    return bytes;
  }

  function lie(): Uint8Array {
    const bytes = dicomBytes({ [unread.privateBlock]: ["OB", new Uint8Array(4)] });
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.length - 8, 0xfffffff0, true);
    return bytes;
  }

  function deep(depth: number): DicomElements {
    return depth === 0 ? {} : { [unread.referencedImages]: ["SQ", [deep(depth - 1)]] };
  }
});

test("names in the data set's character set", async () => {
  const segment = (bytes: Uint8Array, set: string): DicomElements => ({
    [tags.characterSet]: ["CS", set],
    [tags.segmentNumber]: ["US", [1]],
    [tags.segmentLabel]: ["LO", bytes],
  });
  const names = async (bytes: Uint8Array, set: string) => {
    const more: DicomElements = {
      [tags.segmentationType]: ["CS", "LABELMAP"],
      [tags.segmentSequence]: ["SQ", [segment(bytes, set)]],
      [tags.sharedGroupsSequence]: [
        "SQ",
        [{ [tags.pixelMeasuresSequence]: ["SQ", [{ [tags.pixelSpacing]: ["DS", "1\\1"] }]] }],
      ],
    };
    return (await readVolume(dicomBytes(imageElements({ more })))).names?.get(1);
  };
  expect(await names(Buffer.from("Größe"), "ISO_IR 192")).toBe("Größe");
  expect(await names(Buffer.from("Gr\xf6\xdfe", "latin1"), "ISO_IR 100")).toBe("Größe");
  expect(await names(Buffer.from([0x83, 0x8f]), "\\ISO 2022 IR 13")).toBe("ワ");
});
