/** The methods that the demo can compare, each as its own authors define it, SDC in both presets. */
export const comparisonLosses: Readonly<Record<string, { readonly name: string; readonly preset?: string }>> =
  {
    ce: { name: "crossEntropy" },
    dicece: { name: "diceCrossEntropy" },
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
