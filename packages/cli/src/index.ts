export { fixed, formatMarkdown } from "@pixelcal/evaluate";
export type { Context } from "./context.js";
export { type DataShape, describeData } from "./inputs/data-shape.js";
export { run } from "./program.js";
export type {
  CheckReport,
  DemoReport,
  DeviceReport,
  DoctorReport,
  EvaluateReport,
  InferReport,
  InitReport,
  PhantomReport,
  Report,
  TrainReport,
} from "./reports.js";
export type { Output, Progress, TerminalOptions } from "./terminal.js";
export { Terminal } from "./terminal.js";
