export type { PixelCounts, Scores } from "./case-scores.js";
export { caseSets, otherLabels, type RunCases, type RunLabels, someOf } from "./case-sets.js";
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationCase,
  type EvaluationRow,
  evaluate,
  expectedPredictions,
  type ScoreSummary,
  summarize,
  summaryOf,
} from "./evaluate.js";
export { type EvaluateRegionsOptions, evaluateRegions } from "./evaluate-regions.js";
export { withMissingAsWorst } from "./missing-cases.js";
export { nnunetCases, nnunetSummaryCases } from "./nnunet/nnunet-cases.js";
export { type NnunetFolder, type NnunetReading, openNnunetFolder } from "./nnunet/nnunet-folder.js";
export { nnunetSummary, type SummaryCase } from "./nnunet/summary.js";
export { type ProbabilityTransform, probabilityTransforms } from "./predicted-probabilities.js";
export { parseRegions } from "./regions.js";
export { formatJson } from "./report/json.js";
export { monaiReports } from "./report/monai.js";
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
} from "./report/results.js";
export { fixed, formatMarkdown } from "./report/table.js";
export {
  type EvaluationConvention,
  emptyPolicyOf,
  evaluationConventions,
  type ScoreOptions,
} from "./score-options.js";
export type { BinSums, CaseSums, ClassSizes } from "./statistics/case-sums.js";
export { formatResults, mergeResults, readResults, type SavedResults } from "./statistics/saved-results.js";
