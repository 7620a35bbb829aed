/** A run and the names of its cases. */
export interface RunCases {
  readonly run: string;
  readonly cases: readonly string[];
}

/** Returns the cases that some run has and those that every run has, sorted by name. */
export function caseSets(runs: readonly RunCases[]): {
  readonly all: readonly string[];
  readonly common: readonly string[];
} {
  const sets = runs.map(({ cases }) => new Set(cases));
  const all = [...new Set(runs.flatMap(({ cases }) => cases))].sort();
  return { all, common: all.filter((name) => sets.every((set) => set.has(name))) };
}

/** Returns the first names of a list, and how many follow. */
export function someOf(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return `${names.slice(0, most).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The cases of a run with a hash of their labels. */
export interface RunLabels {
  readonly run: string;
  readonly cases: readonly { readonly name: string; readonly labels: string }[];
}

/** Returns for every run the cases whose labels differ from those of the first run that has the case. */
export function otherLabels(runs: readonly RunLabels[]): ReadonlyMap<string, readonly string[]> {
  const first = new Map<string, string>();
  const others = new Map<string, string[]>();
  for (const { run, cases } of runs) {
    others.set(run, []);
    for (const { name, labels } of cases) {
      if (!first.has(name)) first.set(name, labels);
      if (first.get(name) !== labels) others.get(run)!.push(name);
    }
  }
  return others;
}
