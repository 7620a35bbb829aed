// The reports that `pixelcal --json` prints, as a strict user reads them. Compiled, never run.
import type { DoctorReport, EvaluateReport, Report, TrainReport } from "@pixelcal/cli";

declare const report: Report;

function summary(of: Report): string {
  switch (of.command) {
    case "train":
      return of.model;
    case "evaluate":
      return of.runs.map(({ run, summary }) => `${run} ${summary.DSC?.mean}`).join();
    case "doctor":
      return of.networks.map(({ device, problem }) => problem ?? device).join();
    default:
      // @ts-expect-error the other reports have no such field
      return of.nothing;
  }
}

const trained: TrainReport | undefined = report.command === "train" ? report : undefined;
const scored: EvaluateReport | undefined = report.command === "evaluate" ? report : undefined;
const ok: DoctorReport["ok"] = true;

export { ok, scored, summary, trained };
