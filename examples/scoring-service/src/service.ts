import type { Predictor } from "@pixelcal/train";
import type { Registry } from "prom-client";
import type { Admission } from "./admission.js";
import type { Ledger } from "./ledger.js";
import type { Settings } from "./settings.js";

/** The things that a serving process has one of. */
export interface Parts {
  readonly settings: Settings;
  readonly ledger: Ledger;
  /** The registry of this process's counters. */
  readonly registry: Registry;
}

/** The things that the routes share. */
export interface Service extends Parts {
  readonly admission: Admission;
  readonly predictor: Predictor | undefined;
}
