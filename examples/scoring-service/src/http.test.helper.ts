import { type ClientRequest, request } from "node:http";

/** Sends a case: an archive, or a form, whose header fetch itself writes. */
export function post(url: string, body: Uint8Array | FormData, type?: string): Promise<Response> {
  const form = body instanceof FormData;
  const headers = form ? undefined : { "content-type": type ?? "application/octet-stream" };
  return fetch(url, { method: "POST", body, ...(headers && { headers }) });
}

/** A request whose body is held back. */
export interface Held {
  /** Sends the rest and returns the status and the text of the answer. */
  finish(): Promise<{ readonly status: number; readonly text: string }>;
  /** Breaks the connection. */
  abort(): void;
}

/** Sends a request's head and half of its body. */
export async function hold(url: string, body: Uint8Array): Promise<Held> {
  const half = body.length >> 1;
  const headers = { "content-type": "application/octet-stream", "content-length": String(body.length) };
  const sending: ClientRequest = request(url, { method: "POST", headers });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sending.once("error", reject);
    sending.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.once("end", () => resolve({ status: answer.statusCode!, text }));
    });
  });
  answered.catch(() => undefined);
  await new Promise<void>((resolve) => sending.write(body.subarray(0, half), () => resolve()));
  return {
    finish() {
      sending.end(body.subarray(half));
      return answered;
    },
    abort: () => sending.destroy(),
  };
}

/** Asks /health until it says what is expected. */
export async function healthUntil(
  url: string,
  expected: (health: { working: number; waiting: number }) => boolean,
) {
  for (let asked = 0; asked < 1000; asked++) {
    if (expected((await (await fetch(`${url}/health`)).json()) as { working: number; waiting: number }))
      return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("/health never said what was expected");
}
