#!/usr/bin/env node
import { run } from "./program.js";
import { Terminal } from "./terminal.js";

const interrupt = new AbortController();
const terminal = new Terminal(process.stderr);

// A terminal that is closed sends SIGHUP.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) {
      // Shells send SIGHUP a second time on their own.
      if (signal !== "SIGHUP") process.exit(130);
      return;
    }
    interrupt.abort();
    terminal.line("Stopping after this step; press Ctrl-C again to stop at once.");
  });
}
// `pixelcal ... | head` closes the pipe early and a closed terminal takes no output; the work continues and
// ends as usual.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!["EPIPE", "EIO", "ERR_STREAM_DESTROYED"].includes(error.code ?? "")) throw error;
  });
}

process.exitCode = await run(process.argv.slice(2), {
  output: process.stdout,
  terminal,
  signal: interrupt.signal,
});
