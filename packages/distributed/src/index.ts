/**
 * The processes of an MPI job: `World`, a thin binding over the MPI that a site already has. Loaded on first
 * use; without `mpirun` or `srun` a process is a world of one and needs no MPI.
 *
 * @module
 */
export { MpiError } from "./errors.js";
export { type Launch, launch } from "./launcher.js";
export {
  type AllReduceOptions,
  type NumberArray,
  type Reduction,
  World,
  type WorldOptions,
} from "./world.js";
