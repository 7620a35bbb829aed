import type { NamedArrays } from "../optimizer/named-arrays.js";
import type { HostState } from "./host-state.js";
import { Pack } from "./pack.js";
import type { Packs } from "./packs.js";

/** Packs the arrays that are updated alike: trained ones by learning rate and decay, frozen ones, buffers. */
export function packState(state: HostState): Packs {
  const { parameters, buffers, trainable, groups } = state;
  const decays = (name: string): boolean => state.decays(name);
  const pack = (name: string, arrays: Readonly<NamedArrays>, names: readonly string[]): Pack[] =>
    names.length === 0 ? [] : [new Pack(`pack/${name}`, arrays, names)];
  return {
    trained: groups.flatMap(({ names }, index) => [
      ...pack(`decayed/${index}`, parameters, names.filter(decays)),
      ...pack(
        `undecayed/${index}`,
        parameters,
        names.filter((name) => !decays(name)),
      ),
    ]),
    frozen: pack(
      "frozen",
      parameters,
      Object.keys(parameters).filter((name) => !trainable.includes(name)),
    ),
    buffers: pack("buffers", buffers, Object.keys(buffers)),
  };
}
