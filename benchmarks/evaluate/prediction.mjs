// Predictions that benchmarks score.

/**
 * Makes probabilities and labels of blobs with soft borders, as a network gives them: sure nearly everywhere.
 */
export function prediction(seed, size, classes) {
  const pixels = size.reduce((a, b) => a * b, 1);
  const probs = new Float32Array(classes * pixels);
  const label = new BigInt64Array(pixels);
  const [height, width] = size.slice(-2);
  const logits = new Float64Array(classes);
  for (let i = 0; i < pixels; i++) {
    const [x, y, z] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
    let total = 0;
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const wave =
        Math.sin((x + 37 * seed) * (0.013 + 0.004 * c)) +
        Math.cos((y + 11 * seed) * (0.017 + 0.003 * c) + z * 0.05);
      logits[c] = c === 0 ? 1.5 : 6 * wave - 2;
      if (logits[c] + 0.6 * Math.sin(0.9 * x + c) > logits[best] + 0.6 * Math.sin(0.9 * x + best)) best = c;
      total += Math.exp(logits[c]);
    }
    for (let c = 0; c < classes; c++) probs[c * pixels + i] = Math.exp(logits[c]) / total;
    label[i] = BigInt(best);
  }
  return {
    probs: { type: "float32", dims: [classes, ...size], data: probs },
    label: { type: "int64", dims: size, data: label },
  };
}
