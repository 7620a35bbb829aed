import type { Session, Tensors } from "../runtime/session.js";
import type { Pass, Resident } from "./device-weights.js";
import { checkFinite } from "./options.js";
import { type LossValues, lossValues } from "./step-graph.js";
import { normOutput } from "./update-graph.js";

export interface ResidentPass {
  readonly pass: Pass;
  readonly values: LossValues;
  readonly gradientNorm: number;
}

/** One forward and backward pass whose arrays stay on the device. Throws `DivergedError`, and then keeps nothing. */
export async function residentPass(
  resident: Resident,
  session: Session,
  feeds: Tensors,
  updates: number,
): Promise<ResidentPass> {
  const results = await session.run(feeds);
  const pass = resident.pass(results);
  const values = lossValues(results);
  const gradientNorm = Number(results[normOutput]!.data[0]);
  try {
    checkFinite("loss", values.loss, updates);
    checkFinite("gradient norm", gradientNorm, updates);
  } catch (error) {
    resident.drop(pass);
    throw error;
  }
  return { pass, values, gradientNorm };
}
