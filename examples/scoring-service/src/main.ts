#!/usr/bin/env node
import cluster from "node:cluster";
import { serveAsCluster } from "./cluster/primary.js";
import { serveAsWorker } from "./cluster/worker.js";
import { type Running, serve } from "./serve.js";
import { readSettings, type Settings, SettingsError } from "./settings.js";

function settingsOrExit(): Settings {
  try {
    return readSettings(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(`error: ${error.message}`);
    process.exit(2);
  }
}

const settings = settingsOrExit();
const start = cluster.isWorker ? serveAsWorker : settings.workers > 1 ? serveAsCluster : serve;

async function stop(running: Running): Promise<never> {
  // Whoever is not done by then is cut off.
  setTimeout(() => process.exit(1), settings.drain * 1000).unref();
  await running.close();
  process.exit(0);
}

try {
  const running = await start(settings);
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      // The terminal's Ctrl-C reaches the workers as well; the second signal changes nothing.
      if (!stopping) void stop(running);
      stopping = true;
    });
  if (cluster.isPrimary) console.log(`listening on ${running.url}`);
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
