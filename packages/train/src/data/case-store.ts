import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import {
  FormatError,
  regularFilePieces,
  SafetensorsFile,
  sweepTemporaries,
  writeSafetensors,
} from "@pixelcal/io";
import type { DatasetCase, OpenCase, Window } from "./dataset-case.js";
import type { ValueRange } from "./image-checks.js";

/** Part of every name: other numbers of a prepared case need another one. */
const format = "1";
const piece = 2 ** 22;

/**
 * Prepared cases in a folder, one uncompressed .safetensors file each, named by the SHA-256 of all that
 * decides its content, so that a changed file or preparation has another name. Nothing is ever removed.
 */
export class CaseStore {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens a folder, which is made with its first case if there is none. */
  static async open(folder: string): Promise<CaseStore> {
    if (existsSync(folder)) await sweepTemporaries(folder);
    return new CaseStore(folder);
  }

  /** Returns the path of the case that `files` become by `how`, a value that JSON can hold. */
  async pathOf(files: readonly string[], how: unknown): Promise<string> {
    const hash = createHash("sha256").update(JSON.stringify([format, how]));
    for (const file of files) {
      // A hash of its own, so that bytes never move from one file to the next.
      const own = createHash("sha256");
      for await (const bytes of regularFilePieces(file, piece)) own.update(bytes);
      hash.update(own.digest());
    }
    return join(this.folder, `${hash.digest("hex").slice(0, 32)}.safetensors`);
  }

  /** Opens the case at a path, undefined if it is not stored yet. */
  async find(path: string): Promise<StoredCase | undefined> {
    return existsSync(path) ? StoredCase.at(path) : undefined;
  }

  /** Stores a case, whose file has `values`, at a path. */
  async write(
    path: string,
    { image, labels, spacing }: DatasetCase,
    values: ValueRange,
  ): Promise<StoredCase> {
    const metadata = {
      values: JSON.stringify(values),
      ...(spacing && { spacing: JSON.stringify(spacing) }),
    };
    await writeSafetensors(path, { tensors: { image: image as Tensor, labels: labels as Tensor }, metadata });
    return StoredCase.at(path);
  }
}

/** A case of a store. Its file is open only while it is read: a data set may have more cases than that. */
export class StoredCase implements OpenCase {
  readonly path: string;
  readonly channels: number;
  readonly size: readonly number[];
  readonly spacing?: readonly number[];
  readonly values: ValueRange;

  private constructor(path: string, { dims, metadata }: SafetensorsFile) {
    this.path = path;
    const [channels = 0, ...size] = dims.image ?? [];
    this.channels = channels;
    this.size = size;
    if (metadata.values === undefined || dims.labels === undefined)
      throw new FormatError(path, undefined, "is no prepared case; remove it, it is made anew");
    this.values = JSON.parse(metadata.values) as ValueRange;
    if (metadata.spacing !== undefined) this.spacing = JSON.parse(metadata.spacing) as number[];
  }

  /** Reads the head of a stored case. Throws FormatError. */
  static async at(path: string): Promise<StoredCase> {
    await using file = await SafetensorsFile.open(path);
    return new StoredCase(path, file);
  }

  async part(window: Window): Promise<DatasetCase> {
    await using file = await SafetensorsFile.open(this.path);
    const { origin, size } = window;
    const image = await file.readPart("image", [0, ...origin], [this.channels, ...size]);
    const labels = await file.readPart("labels", origin, size);
    return {
      image: image as Tensor<"float32">,
      labels: labels as DatasetCase["labels"],
      ...(this.spacing && { spacing: this.spacing }),
      extras: {},
    };
  }

  async labels(window: Window = this.#all): Promise<DatasetCase["labels"]> {
    await using file = await SafetensorsFile.open(this.path);
    return (await file.readPart("labels", window.origin, window.size)) as DatasetCase["labels"];
  }

  whole(): Promise<DatasetCase> {
    return this.part(this.#all);
  }

  get #all(): Window {
    return { origin: this.size.map(() => 0), size: this.size };
  }
}
