// Writes the part of the MPI operator's schema that examples/cluster/mpijob.yaml uses, without descriptions.
// Fields that the operator does not know are errors in it; a cluster would drop them.
//   node tools/golden/mpijob.mjs kubeflow.org_mpijobs.yaml VERSION   # manifests/base of kubeflow/mpi-operator
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const [file, version] = process.argv.slice(2);
const path = (name) => new URL(`../../${name}`, import.meta.url);
const manifest = parse(readFileSync(path("examples/cluster/mpijob.yaml"), "utf8"));
const definition = parse(readFileSync(file, "utf8"));
const { schema } = definition.spec.versions.find(
  ({ name }) => `kubeflow.org/${name}` === manifest.apiVersion,
);
const kept = ["type", "enum", "pattern", "required", "anyOf", "minimum", "maximum"];

/** Returns what a schema says about the values that stand at one place of the manifest. */
function reduced(all, values) {
  const own = Object.fromEntries(kept.filter((key) => key in all).map((key) => [key, all[key]]));
  if (all.items) own.items = reduced(all.items, values.flat());
  const names = [...new Set(values.flatMap((value) => Object.keys(value)))];
  const under = (name) => values.map((value) => value[name]).filter((value) => value !== undefined);
  if (all.properties) {
    own.properties = Object.fromEntries(
      names
        .filter((name) => name in all.properties)
        .map((name) => [name, reduced(all.properties[name], under(name))]),
    );
    own.additionalProperties = false;
  } else if (all.additionalProperties)
    own.additionalProperties = reduced(all.additionalProperties, names.flatMap(under));
  return own;
}
const own = reduced(schema.openAPIV3Schema, [manifest]);
// An API server checks these three itself.
own.properties.apiVersion.const = `${definition.spec.group}/v2beta1`;
own.properties.kind.const = definition.spec.names.kind;
own.properties.metadata = { type: "object", required: ["name"] };
const text = JSON.stringify({ $comment: `mpi-operator ${version}`, ...own }, undefined, 1);
writeFileSync(path("packages/cli/test/golden/mpijob.json"), `${text}\n`);
