/** The decoders of character sets by the standard's defined terms (PS3.3, C.12.1.1.2). */
const decoders: ReadonlyMap<string, string> = new Map([
  ["ISO_IR 100", "iso-8859-1"],
  ["ISO_IR 101", "iso-8859-2"],
  ["ISO_IR 109", "iso-8859-3"],
  ["ISO_IR 110", "iso-8859-4"],
  ["ISO_IR 144", "iso-8859-5"],
  ["ISO_IR 127", "iso-8859-6"],
  ["ISO_IR 126", "iso-8859-7"],
  ["ISO_IR 138", "iso-8859-8"],
  ["ISO_IR 148", "iso-8859-9"],
  ["ISO_IR 203", "iso-8859-15"],
  ["ISO_IR 13", "shift_jis"],
  ["ISO_IR 166", "windows-874"],
  ["ISO_IR 192", "utf-8"],
  ["GB18030", "gb18030"],
  ["GBK", "gbk"],
  ["ISO 2022 IR 87", "iso-2022-jp"],
  ["ISO 2022 IR 149", "euc-kr"],
  ["ISO 2022 IR 58", "gb18030"],
]);

/**
 * Decodes a name for people by the data set's character set; the last of several decides, as the others are
 * its code extensions. Unknown sets are taken for Latin-1.
 */
export function decodeText(bytes: Uint8Array, characterSet: string): string {
  const terms = characterSet.split("\\").map((term) => term.replace(/\0/g, "").trim());
  const term = terms.at(-1)!.replace(/^ISO 2022 IR (?!87|149|58)/, "ISO_IR ");
  return new TextDecoder(decoders.get(term) ?? "iso-8859-1").decode(bytes);
}
