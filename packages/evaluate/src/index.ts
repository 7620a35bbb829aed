export type { PixelCounts, Scores } from "./case-scores.js";
export { caseSets, otherLabels, type RunCases, type RunLabels, someOf } from "./case-sets.js";
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationCase,
  type EvaluationRow,
  evaluate,
  expectedPredictions,
  type Names,
  type ScoreSummary,
  summarize,
  summaryOf,
} from "./evaluate.js";
export { type EvaluateRegionsOptions, evaluateRegions, regionsOfCase } from "./evaluate-regions.js";
export { type FurtherMetric, furtherMetrics } from "./further-metrics.js";
export { type MaskFolder, openMaskFolder } from "./mask-folder.js";
export { withMissingAsWorst } from "./missing-cases.js";
export { nnunetCases, nnunetSummaryCases } from "./nnunet/nnunet-cases.js";
export {
  findNnunetDataset,
  type NnunetFolder,
  type NnunetReading,
  openNnunetFolder,
} from "./nnunet/nnunet-folder.js";
export { nnunetSummary, type SummaryCase } from "./nnunet/summary.js";
export { type ProbabilityTransform, probabilityTransforms } from "./predicted-probabilities.js";
export { parseRegions } from "./regions.js";
export { formatJson } from "./report/json.js";
export { monaiReports } from "./report/monai.js";
export { reportPage } from "./report/page.js";
export { casePictures, type PictureCase } from "./report/pictures/case-pictures.js";
export type { CasePictures } from "./report/pictures/pictures.js";
export type { ReportData } from "./report/report-data.js";
export { type ReportParts, reportOfResults } from "./report/report-of-results.js";
export { type Reporting, type ReportingInput, type ReportingItem, reporting } from "./report/reporting.js";
export {
  differences,
  paperColumns,
  type RunReport,
  type RunResult,
  ranked,
  resultsCsv,
  resultsMarkdown,
  resultsText,
  runReports,
  type Shown,
  type StatisticsReport,
} from "./report/results.js";
export { comparisonText, decisionText, intervalsText } from "./report/statistics-text.js";
export { type Column, fixed, formatMarkdown, formatTable } from "./report/table.js";
export { worstCalibrated } from "./report/worst-cases.js";
export {
  type EvaluationConvention,
  emptyPolicyOf,
  evaluationConventions,
  type ScoreOptions,
} from "./score-options.js";
export type { BoundaryGaps, RingGap } from "./statistics/boundary-gaps.js";
export type { BinSums, CaseSums, ClassSizes } from "./statistics/case-sums.js";
export { type ClusteredError, clusteredError, type Residuals } from "./statistics/clustered-error.js";
export {
  type CompareOptions,
  type Comparison,
  compareRuns,
  type Difference,
} from "./statistics/compare-runs.js";
export type { DecisionCurve, DecisionPoint } from "./statistics/decision-curve.js";
export type { Estimate } from "./statistics/estimate.js";
export { bidsSubject, type GroupOf, groupsOfTable, withGroups } from "./statistics/groups.js";
export { holm } from "./statistics/holm.js";
export type { Interval } from "./statistics/interval.js";
export { type NullBand, type NullBandOptions, nullBand } from "./statistics/null-band.js";
export { pooledScores } from "./statistics/pooled-scores.js";
export type { CaseBin, Reliability } from "./statistics/reliability.js";
export type { RingSums } from "./statistics/ring-sums.js";
export { type RunStatistics, runStatistics } from "./statistics/run-statistics.js";
export type { SampleSize } from "./statistics/sample-size.js";
export {
  formatResults,
  formatRow,
  mergeResults,
  readResults,
  type SavedResults,
} from "./statistics/saved-results.js";
export type { StatisticsOptions } from "./statistics/statistics-options.js";
export type { Verdict } from "./statistics/verdict.js";
export { type SignedRanks, signedRankTest } from "./statistics/wilcoxon.js";
export {
  holdsCases,
  openVolumeFolder,
  openVolumePredictions,
  type VolumeFolder,
  type VolumePredictions,
} from "./volume-predictions.js";
