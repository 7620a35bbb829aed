import {
  Calibrator,
  type CalibratorName,
  type CalibratorParameters,
  calibratorNames,
  depthWindows,
  Random,
} from "@pixelcal/core";

/** Returns parameters of every calibrator that are far from changing nothing. */
export function exampleCalibrators(
  classes: number,
  rank: number,
  options: {
    readonly sides?: "foreground" | "classes";
    readonly floor?: boolean;
    readonly spacing?: readonly number[];
  } = {},
): readonly Calibrator[] {
  const { sides = "foreground", floor = false, spacing } = options;
  const random = Random.fromSeed(classes + 10 * rank);
  const list = (length: number, from: number, to: number): number[] =>
    Array.from({ length }, () => from + (to - from) * random.uniform());
  const radius = 4;
  const count = sides === "foreground" ? 2 : classes;
  const table = (from: number, to: number): number[][] =>
    Array.from({ length: count }, () => list(radius + 1, from, to));
  const distance = (): CalibratorParameters["distance-temperature"] => ({
    windows: depthWindows(rank, radius, spacing),
    sides,
    scales: table(0.3, 1.5),
    lambda: 1e-3,
    ...(floor && { floor: table(0, 0.1) }),
  });
  const levels = (): CalibratorParameters["isotonic"] => ({
    limit: 16,
    values: Array.from({ length: classes }, () => list(4096, 0, 1).sort((a, b) => a - b)),
  });
  const matrix = (): number[][] => Array.from({ length: classes }, () => list(classes, -1, 1));
  const parameters: CalibratorParameters = {
    none: {},
    temperature: { scale: 0.6 },
    "distance-temperature": distance(),
    "distance-affine": {
      ...distance(),
      shifts: Array.from({ length: count }, () =>
        Array.from({ length: radius + 1 }, () => list(classes, -1, 1)),
      ),
      margin: 1e-3,
    },
    "entropy-temperature": {
      knots: Array.from({ length: 9 }, (_, i) => -8 + i),
      scales: list(9, 0.3, 1.5),
    },
    "image-temperature": { weights: [0.4, 0.5, 0.3, 0.2], least: 0.1, most: 5 },
    vector: { scales: list(classes, 0.5, 1.5), shifts: list(classes, -1, 1) },
    matrix: { weights: matrix(), shifts: list(classes, -1, 1) },
    dirichlet: { weights: matrix(), shifts: list(classes, -1, 1), leastLog: Math.log(1e-7) },
    "ensemble-temperature": { scale: 0.5, weights: [0.7, 0.2, 0.1] },
    platt: { scales: list(classes, 0.5, 1.5), shifts: list(classes, -1, 1) },
    beta: { a: list(classes, 0.3, 1.5), b: list(classes, 0.3, 1.5), c: list(classes, -1, 1) },
    isotonic: levels(),
    histogram: levels(),
    bbq: levels(),
    "local-temperature": {
      taps: 3,
      dilation: 2,
      filters: Array.from({ length: 3 }, () =>
        Array.from({ length: classes }, () => list(3 ** rank, -0.1, 0.1)),
      ),
      biases: [0.2, -0.3, 0.1],
    },
    selective: { weights: [0.5, -0.4, 0.3, -0.2], scales: [1.2, 0.4] },
  };
  return calibratorNames.map(
    (name: CalibratorName) => new Calibrator(name, classes, parameters[name] as never),
  );
}
