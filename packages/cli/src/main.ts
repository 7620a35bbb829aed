#!/usr/bin/env node
import { run } from "./program.js";
import { Terminal } from "./terminal.js";

const interrupt = new AbortController();
const terminal = new Terminal(process.stderr);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
    terminal.line("Stopping after this step; press Ctrl-C again to stop at once.");
  });
}
// `pixelcal ... | head` closes the pipe early: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  output: process.stdout,
  terminal,
  signal: interrupt.signal,
});
