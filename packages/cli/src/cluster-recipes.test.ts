import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { noMpi, siteMpi } from "@pixelcal/distributed/testing";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { at, config, toyData } from "./toy.test.helper.js";

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const recipe = (name: string): string => file(`../../../examples/cluster/${name}`);
const text = (name: string): string => readFileSync(recipe(name), "utf8");
const command = file("../dist/main.js");

describe("the manifest of Kubernetes", () => {
  const schema = JSON.parse(readFileSync(file("../test/golden/mpijob.json"), "utf8"));
  const problems = (manifest: unknown): readonly (string | undefined)[] => {
    const validate = new Ajv({ allErrors: true, strictTypes: false }).compile(schema);
    return validate(manifest) ? [] : validate.errors!.map(({ instancePath }) => instancePath);
  };

  test("is one that the operator's schema describes", () => {
    expect(problems(parse(text("mpijob.yaml")))).toEqual([]);
  });

  test.each([
    ["slotsPerWorker: 1", "slotsPerWorker: one", "/spec/slotsPerWorker"],
    ["slotsPerWorker: 1", "slotsPerWorkers: 1", "/spec"],
    ["mpiImplementation: OpenMPI", "mpiImplementation: LAM", "/spec/mpiImplementation"],
    ["kubeflow.org/v2beta1", "kubeflow.org/v1", "/apiVersion"],
    ["replicas: 4", "replicas: many", "/spec/mpiReplicaSpecs/Worker/replicas"],
    ["- name: worker\n", "- title: worker\n", "/spec/mpiReplicaSpecs/Worker/template/spec/containers/0"],
    [
      'cpu: "1"',
      "cpu: some",
      "/spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/resources/limits/cpu",
    ],
  ])("with %j as %j would be refused", (now, wrong, place) => {
    const changed = text("mpijob.yaml").replace(now, wrong);
    expect(changed).not.toBe(text("mpijob.yaml"));
    expect(problems(parse(changed))).toContain(place);
  });

  test("starts what the image has", () => {
    const image = text("Containerfile");
    const { spec } = parse(text("mpijob.yaml"));
    const { Launcher, Worker } = spec.mpiReplicaSpecs;
    expect(image).toContain(`HostKey ${spec.sshAuthMountPath}/id_rsa`);
    expect(image).toContain(`> ${Worker.template.spec.containers[0].args.at(-1)}`);
    expect(Launcher.template.spec.containers[0].args[0]).toContain(`mpirun -n ${Worker.replicas} `);
    for (const [, path] of image.matchAll(/\/opt\/pixelcal\/(\S+)/g))
      expect(existsSync(file(`../../../${path}`))).toBe(true);
  });
});

describe.skipIf(noMpi !== undefined)(`the script of Slurm${noMpi ? `: ${noMpi}` : ""}`, () => {
  toyData();

  /** Runs the script where `srun` calls mpirun; what else it calls is written to calls.txt. */
  function submit(stop = ""): { readonly status: number | null; readonly calls: string } {
    mkdirSync(at("bin"), { recursive: true });
    const program = (name: string, body: string): void => {
      writeFileSync(at("bin", name), `#!/bin/bash\n${body}\n`);
      chmodSync(at("bin", name), 0o755);
    };
    program("pixelcal", `${stop}\nexec "${process.execPath}" "${command}" "$@" --threads 1`);
    program("scontrol", `echo "scontrol $*" >> "${at("calls.txt")}"`);
    program(
      "srun",
      `echo "srun $*" >> "${at("calls.txt")}"
       while [[ $1 == --* ]]; do shift; done
       exec ${siteMpi!.launcher.join(" ")} -n 2 "$@"`,
    );
    writeFileSync(at("toy.yaml"), stringify(config({ epochs: 1 })));
    writeFileSync(at("calls.txt"), "");
    const { status } = spawnSync(
      "bash",
      ["-c", `module() { echo "module $*" >> calls.txt; }; . "$0" "$@"`, recipe("train.sbatch"), "toy.yaml"],
      {
        cwd: at(),
        env: {
          ...process.env,
          PATH: [at("bin"), process.env.PATH].join(delimiter),
          SLURM_JOB_ID: "7",
          SLURM_CPUS_PER_TASK: "1",
        },
      },
    );
    return { status, calls: readFileSync(at("calls.txt"), "utf8") };
  }

  test("trains, predicts and evaluates; a job that ran out of time waits for its next turn", () => {
    const late = submit("exit 130");
    expect(late.status).not.toBe(0);
    expect(late.calls).toContain("scontrol requeue 7\n");
    expect(late.calls).not.toContain("pixelcal infer");

    const { status, calls } = submit();
    expect(status).toBe(0);
    const steps = calls.split("\n").filter(Boolean);
    expect(steps.map((line) => /^module|pixelcal \w+|scontrol/.exec(line)?.[0])).toEqual([
      "module",
      ...["train", "infer", "evaluate"].map((name) => `pixelcal ${name}`),
    ]);
    expect(calls).toContain("srun --cpus-per-task=1 --cpu-bind=cores --kill-on-bad-exit=1 --mpi=pmix ");
    expect(calls).not.toContain("--resume");
    expect(readFileSync(at("preds", "toy.csv"), "utf8")).toContain("toy");

    const again = submit();
    expect([again.status, again.calls.split("\n")[1]]).toEqual([0, expect.stringContaining("--resume")]);
  });
});
