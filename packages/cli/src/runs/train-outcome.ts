import { join } from "node:path";
import { checkpointFiles } from "@pixelcal/train";
import type { NetworkReport, TrainReport } from "../reports.js";
import { duration } from "../terminal.js";
import { memberFolder } from "./member-folders.js";
import type { MembersOutcome } from "./members.js";
import type { TrainOutcome } from "./train.js";
import { runFiles } from "./train-run.js";

/** Returns the report of a training whose files are in `folder`. */
export function trainReport(
  folder: string,
  outcome: TrainOutcome | MembersOutcome,
): Omit<TrainReport, "command" | "run"> {
  const { tuning } = outcome;
  const more = tuning && { tuning };
  if (!("members" in outcome)) return { ...networkReport(folder, outcome), ...more };
  const { members, dice, nll, temperature, parameters, trained, seconds } = outcome;
  return {
    folder,
    validation: { dice, nll, temperature },
    parameters,
    trained,
    seconds,
    model: join(folder, runFiles.model),
    members: members.map((member, k) => networkReport(memberFolder(folder, k + 1), member)),
    ...more,
  };
}

function networkReport(folder: string, outcome: TrainOutcome): NetworkReport {
  const { history, bestEpoch, stoppedEarly, temperature, parameters, trained, seconds } = outcome;
  const { validationLoss, validationDice, validationNll } = history[bestEpoch - 1]!;
  return {
    folder,
    epochs: history.length,
    bestEpoch,
    stoppedEarly,
    validation: { loss: validationLoss!, dice: validationDice!, nll: validationNll!, temperature },
    parameters,
    trained,
    seconds,
    model: join(folder, runFiles.model),
    checkpoint: join(folder, checkpointFiles.best),
  };
}

/** Returns the lines that say how a training ended: one a network, and the last one of the run. */
export function trainText(folder: string, outcome: TrainOutcome | MembersOutcome): string {
  const { members, epochs, bestEpoch, stoppedEarly, validation, parameters, trained, seconds } = trainReport(
    folder,
    outcome,
  );
  const own = (members ?? []).map(
    ({ folder: of, bestEpoch: best, validation: { dice, nll } }) =>
      `${of}: best epoch ${best}, Dice ${dice.toFixed(4)}, NLL ${nll.toFixed(4)}\n`,
  );
  const { loss, dice, nll, temperature } = validation;
  const how =
    members === undefined
      ? `best epoch ${bestEpoch} of ${epochs}${stoppedEarly ? " (stopped early)" : ""}, validation loss ${loss!.toFixed(4)}`
      : `mean of ${members.length} networks, validation`;
  const learned = trained === parameters ? "" : `${trained} trained of `;
  return (
    `${own.join("")}${folder}: ${how}${members === undefined ? "," : ""} Dice ${dice.toFixed(4)}, NLL ${nll.toFixed(4)}, ` +
    `temperature ${temperature.toFixed(2)}; ${learned}${parameters} parameters, ${duration(seconds)}\n`
  );
}
