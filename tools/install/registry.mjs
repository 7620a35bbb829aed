// A package registry on this machine's loopback: it serves packed packages, and sends requests for packages
// of others to the registry that npm is configured with.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { manifestOf, prebuiltManifest, publicFolders } from "../release/manifests.mjs";
import { platforms } from "../release/platforms.mjs";

const scope = "@pixelcal/";

/** The manifests of all packages, by their names, whether they are packed or not. */
const manifests = new Map(
  [...publicFolders.map(manifestOf), ...Object.keys(platforms).map(prebuiltManifest)].map((manifest) => [
    manifest.name,
    manifest,
  ]),
);

/**
 * A registry's answer about a package. Of an addon for other machines, which is not packed, it has no
 * archive.
 */
function description(manifest, archive, base) {
  const { name, version } = manifest;
  const dist = {
    tarball: `${base}/archives/${encodeURIComponent(name)}`,
    shasum: createHash("sha1")
      .update(archive ?? "")
      .digest("hex"),
    integrity: `sha512-${createHash("sha512")
      .update(archive ?? "")
      .digest("base64")}`,
  };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

/**
 * Serves the packages of a folder; `packed` has a `{ name, filename }` for each. Returns the address, and
 * `close`. `foreign: false` refuses what is not ours.
 */
export async function serve(folder, packed, { foreign = true } = {}) {
  const archives = new Map(packed.map(({ name, filename }) => [name, readFileSync(join(folder, filename))]));
  const { stdout } = spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" });
  const upstream = stdout.trim().replace(/\/$/, "");
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.split("?")[0]);
    const base = `http://127.0.0.1:${server.address().port}`;
    const [, name] = /^\/(?:archives\/)?(@[^/]+\/[^/]+|[^/]+)$/.exec(path) ?? [];
    const archive = archives.get(name);
    if (path.startsWith("/archives/") && archive !== undefined) {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(archive);
    } else if (manifests.has(name)) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(description(manifests.get(name), archive, base)));
    } else if (foreign && !path.startsWith(`/${scope}`) && request.method === "GET") {
      response.writeHead(307, { location: upstream + request.url }).end();
    } else response.writeHead(404, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { address: `http://127.0.0.1:${server.address().port}/`, close };
}
