import { createDeflate, createGzip } from "node:zlib";

const wrappers = { gzip: createGzip, zlib: createDeflate } as const;

/** Yields the bytes packed by deflate; equal bytes give equal bytes. The work is done on the thread pool. */
export async function* packed(
  wrapper: "gzip" | "zlib",
  level: number,
  parts: Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const stream = wrappers[wrapper]({ level, chunkSize: 2 ** 18 });
  const feed = async (): Promise<void> => {
    for (const part of parts) {
      await new Promise<void>((resolve, reject) =>
        stream.write(part, (error) => (error ? reject(error) : resolve())),
      );
    }
    stream.end();
  };
  const feeding = feed();
  // A failure is thrown by the loop below.
  feeding.catch((error: unknown) =>
    stream.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  for await (const chunk of stream) yield chunk as Buffer;
  await feeding;
}
