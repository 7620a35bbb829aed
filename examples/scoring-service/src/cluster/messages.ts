/** A worker's request to the primary; prom-client sends messages of its own on the same channel. */
export interface Ask {
  readonly kind: "scoring-ask";
  readonly id: number;
  readonly what: "record" | "metrics" | "state";
  /** The state to record. */
  readonly state?: Uint8Array;
}

/** The primary's answer to the request of the same number. */
export interface Answer {
  readonly kind: "scoring-answer";
  readonly id: number;
  readonly content: { readonly text?: string; readonly state?: Uint8Array; readonly error?: string };
}

const hasKind = (value: unknown, kind: string): boolean =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === kind;

export const isAsk = (value: unknown): value is Ask => hasKind(value, "scoring-ask");
export const isAnswer = (value: unknown): value is Answer => hasKind(value, "scoring-answer");
