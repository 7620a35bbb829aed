import type { NamedLoss } from "@pixelcal/losses";

/** The methods that the demo can compare, each as its own authors define it, SDC in all presets. */
export const comparisonLosses: Readonly<Record<string, NamedLoss>> = {
  ce: { name: "crossEntropy" },
  dicece: { name: "diceCrossEntropy" },
  "dicece-0.25": { name: "diceCrossEntropy", diceWeight: 0.25 },
  proper: { name: "signedDistanceCalibration", preset: "proper" },
  fl: { name: "focal" },
  ecp: { name: "entropyPenalty" },
  ls: { name: "labelSmoothing" },
  svls: { name: "svls" },
  mbls: { name: "mbls" },
  nacl: { name: "nacl" },
  "margin-svls": { name: "marginSvls" },
  fcl: { name: "focalCalibration" },
  sdc: { name: "signedDistanceCalibration", preset: "consistent" },
  "sdc-reference": { name: "signedDistanceCalibration", preset: "reference" },
};
