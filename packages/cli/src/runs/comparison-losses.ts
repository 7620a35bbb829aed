import type { NamedLoss } from "@pixelcal/losses";

/** The losses of a method: the keys `loss` and `finish` of its configuration. */
interface ComparisonLoss {
  readonly loss: NamedLoss;
  readonly finish?: { readonly loss: NamedLoss };
}

const proper = { name: "signedDistanceCalibration", preset: "proper" };

/** The methods that the demo can compare, each as its own authors define it, SDC in all presets. */
export const comparisonLosses: Readonly<Record<string, ComparisonLoss>> = {
  ce: { loss: { name: "crossEntropy" } },
  dicece: { loss: { name: "diceCrossEntropy" } },
  "dicece-0.25": { loss: { name: "diceCrossEntropy", diceWeight: 0.25 } },
  proper: { loss: proper },
  "dicece-proper": { loss: { name: "diceCrossEntropy" }, finish: { loss: proper } },
  fl: { loss: { name: "focal" } },
  ecp: { loss: { name: "entropyPenalty" } },
  ls: { loss: { name: "labelSmoothing" } },
  svls: { loss: { name: "svls" } },
  mbls: { loss: { name: "mbls" } },
  nacl: { loss: { name: "nacl" } },
  "margin-svls": { loss: { name: "marginSvls" } },
  fcl: { loss: { name: "focalCalibration" } },
  sdc: { loss: { name: "signedDistanceCalibration", preset: "consistent" } },
  "sdc-reference": { loss: { name: "signedDistanceCalibration", preset: "reference" } },
};
