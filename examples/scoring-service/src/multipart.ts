import { Refusal } from "./refusal.js";

/** An uploaded file. */
export interface Upload {
  /** The client's name of the file; its ending tells formats apart that share their first bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Returns the files of a multipart form by field; Node itself parses the form. */
export async function uploadsOf(body: Uint8Array, contentType: string): Promise<ReadonlyMap<string, Upload>> {
  let form: FormData;
  try {
    form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  } catch {
    throw new Refusal(422, "multipart", "the body is not the multipart form that its header announces");
  }
  const uploads = new Map<string, Upload>();
  for (const [field, value] of form) {
    if (typeof value === "string")
      throw new Refusal(
        422,
        "multipart",
        `${field}: expected a file, got text; curl -F '${field}=@FILE' sends one`,
      );
    if (uploads.has(field)) throw new Refusal(422, "multipart", `${field}: expected one file, got several`);
    uploads.set(field, { name: value.name, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  return uploads;
}
