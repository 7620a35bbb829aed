// The table of the kernel benchmarks.

export function report(results, threadCounts, bandwidth, versions, { machine, commit, load }) {
  const lines = [
    `Machine: ${machine}. Commit ${commit}. Load average ${load.map((value) => value.toFixed(1)).join(" before, ")} after.`,
    `Copy bandwidth, read + written: ${threadCounts.map((threads) => `${plural(threads)} ${gigabytes(bandwidth[threads].cache)} GB/s in cache, ${gigabytes(bandwidth[threads].memory)} in memory`).join("; ")}.`,
    `Peers: ${[...peerNames(results)].map((name) => (versions[name] ? `${name} (${[...versions[name]].join(" and ")})` : `${name} missing`)).join(", ")}.`,
    "",
    "| kernel | size | threads | ours ms | allocating ms | x floor | peer | version | peer ms | ratio | goal |",
    "| --- | --- | --: | --: | --: | --: | --- | --- | --: | --: | --: |",
  ];
  for (const { row, byThreads } of results) {
    for (const threads of threadCounts) {
      const { ours, fresh, peers, check } = byThreads[threads];
      const { cache, memory } = bandwidth[threads];
      const floor = row.bytes / (row.bytes < 16e6 ? cache : memory);
      const start = [
        row.kernel,
        row.title,
        threads,
        digits(ours),
        fresh ? digits(fresh) : "",
        (ours / floor).toFixed(1),
      ];
      for (const { name, best, goal, version } of peers) {
        const cells = best
          ? [
              name,
              version,
              digits(best.ms),
              `${digits(best.ratio)}${agrees(row, check, best.check) ? "" : " (results differ)"}`,
            ]
          : [name, "missing", "", ""];
        lines.push(`| ${[...start, ...cells, goal === undefined ? "" : digits(goal)].join(" | ")} |`);
      }
    }
  }
  const missed = results.flatMap(({ row, byThreads }) =>
    threadCounts.flatMap((threads) =>
      byThreads[threads].peers
        .filter(({ best, goal }) => best && goal !== undefined && best.ratio < goal)
        .map(
          ({ name, best, goal }) =>
            `${row.kernel} ${row.title}, ${plural(threads)}: ${digits(best.ratio)} of ${digits(goal)} (${name})`,
        ),
    ),
  );
  lines.push("", missed.length === 0 ? "Every goal is reached." : `Goals missed: ${missed.join("; ")}.`);
  return lines.join("\n");
}

/** Sums of results in float32 agree to rounding; torchmetrics and other definitions are not compared. */
function agrees({ op }, ours, theirs) {
  const comparable = [
    "distanceTransform",
    "signedDistance",
    "softLabels",
    "morphology",
    "packedMorphology",
    "adamw",
  ];
  return !comparable.includes(op) || Math.abs(ours - theirs) <= 1e-4 * Math.max(1, Math.abs(ours));
}

const peerNames = (results) => new Set(results.flatMap(({ row }) => row.peers.map(({ name }) => name)));
const plural = (threads) => `${threads} thread${threads === 1 ? "" : "s"}`;
const gigabytes = (bytesPerMs) => (bytesPerMs / 1e6).toFixed(0);
const digits = (value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);
