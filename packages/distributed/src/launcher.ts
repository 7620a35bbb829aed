type Environment = Readonly<Record<string, string | undefined>>;

/** The launchers that tell the processes they start how many there are, and by which variables. */
const launchers: readonly { readonly name: string; readonly rank: string; readonly size: string }[] = [
  { name: "mpirun of Open MPI", rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE" },
  { name: "mpiexec of MPICH or Intel MPI", rank: "PMI_RANK", size: "PMI_SIZE" },
  { name: "mpiexec of MVAPICH", rank: "MV2_COMM_WORLD_RANK", size: "MV2_COMM_WORLD_SIZE" },
  // srun sets these for every step; a batch script itself is no step of several tasks.
  { name: "srun", rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS" },
];

/** A launcher and the place among its processes that it gave this one. */
export interface Launch {
  readonly launcher: string;
  readonly rank: number;
  readonly size: number;
}

/** Returns what started this process as one of several; undefined for a process on its own. */
export function launch(environment: Environment = process.env): Launch | undefined {
  for (const { name, rank, size } of launchers) {
    const [own, all] = [whole(environment[rank]), whole(environment[size])];
    if (own !== undefined && all !== undefined && all >= 1 && own < all)
      return { launcher: name, rank: own, size: all };
  }
  return undefined;
}

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : undefined;
