// An empty folder that installs and uses the packages as a user would, with nothing of this machine but Node,
// a package manager and a shell on its path: no cmake, no compiler.
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { which } from "./managers.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The first program of a page, as a user would copy it. */
export function firstProgram(page) {
  const [, program] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, page), "utf8")) ?? [];
  if (program === undefined) throw new Error(`${page} has no program`);
  return program;
}

export class Consumer {
  /** `home` has the caches of the package managers; consumers that share it find what others fetched. */
  constructor(registry, home) {
    this.home = home;
    this.folder = mkdtempSync(join(tmpdir(), "pixelcal-consumer-"));
    this.write("package.json", JSON.stringify({ name: "consumer", version: "1.0.0", private: true }));
    const path = join(this.folder, ".path");
    mkdirSync(path);
    for (const name of ["node", "npm", "sh"])
      symlinkSync(name === "node" ? process.execPath : which(name), join(path, name));
    const { LANG, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
    this.env = {
      ...Object.fromEntries(
        Object.entries({ LANG, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
      PATH: path,
      HOME: home,
      npm_config_registry: registry,
      npm_config_cache: join(home, "npm"),
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "0",
      npm_config_store_dir: join(home, "pnpm"),
      XDG_CACHE_HOME: join(home, "cache"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
      XDG_CONFIG_HOME: join(home, "config"),
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
      YARN_ENABLE_GLOBAL_CACHE: "false",
      YARN_CACHE_FOLDER: join(home, "yarn"),
      YARN_ENABLE_TELEMETRY: "0",
      YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
      YARN_REGISTRY: registry,
      CI: "1",
    };
  }

  write(file, text) {
    writeFileSync(join(this.folder, file), text);
  }

  /**
   * Runs a program in the folder; returns `{ status, output }`. The registry is in this process, which must
   * not wait.
   */
  run(command, args, env = {}) {
    return new Promise((resolve) => {
      const child = spawn(command, args, { cwd: this.folder, env: { ...this.env, ...env } });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
      child.on("error", (error) => resolve({ status: -1, output: String(error) }));
      child.on("close", (status) => resolve({ status, output }));
    });
  }

  /** Runs a program that has to succeed; returns its output. */
  async must(command, args, env) {
    const { status, output } = await this.run(command, args, env);
    if (status !== 0)
      throw new Error(`${[basename(command), ...args].join(" ")}: exit code ${status}\n${output}`);
    return output;
  }

  /** The packages in node_modules by name, and the bytes of all their files. */
  installed(folder = join(this.folder, "node_modules")) {
    const names = readdirSync(folder).filter((name) => !name.startsWith("."));
    const packages = names.flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(folder, name)).map((own) => `${name}/${own}`) : [name],
    );
    const size = (path) =>
      statSync(path).isDirectory()
        ? readdirSync(path).reduce((sum, name) => sum + size(join(path, name)), 0)
        : statSync(path).size;
    return { packages, bytes: packages.reduce((sum, name) => sum + size(join(folder, name)), 0) };
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
