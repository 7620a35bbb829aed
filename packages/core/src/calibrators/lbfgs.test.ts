import { expect, test } from "vitest";
import { descend } from "./lbfgs.js";

test("a valley that bends is followed to its lowest point", async () => {
  const rosenbrock = async (at: Float64Array): Promise<{ value: number; gradient: Float64Array }> => {
    const [x, y] = [at[0]!, at[1]!];
    const gap = y - x * x;
    return {
      value: (1 - x) ** 2 + 100 * gap * gap,
      gradient: Float64Array.of(-2 * (1 - x) - 400 * x * gap, 200 * gap),
    };
  };
  const { x, value } = await descend(rosenbrock, Float64Array.of(-1.2, 1), {
    iterations: 200,
    tolerance: 1e-14,
  });
  expect(value).toBeLessThan(1e-12);
  expect(x[0]).toBeCloseTo(1, 5);
  expect(x[1]).toBeCloseTo(1, 5);
});

test("the search ends at its start where the gradient is 0, and every step goes down", async () => {
  const values: number[] = [];
  const bowl = async (at: Float64Array): Promise<{ value: number; gradient: Float64Array }> => ({
    value: at.reduce((sum, value, i) => sum + (i + 1) ** 4 * value * value, 0),
    gradient: at.map((value, i) => 2 * (i + 1) ** 4 * value),
  });
  expect(await descend(bowl, new Float64Array(3))).toEqual({ x: new Float64Array(3), value: 0 });
  const { value } = await descend(
    async (x) => {
      const slope = await bowl(x);
      values.push(slope.value);
      return slope;
    },
    new Float64Array(12).fill(1),
    { tolerance: 1e-12 },
  );
  expect(value).toBeLessThan(1e-8 * values[0]!);
  expect(value).toBe(Math.min(...values));
});
