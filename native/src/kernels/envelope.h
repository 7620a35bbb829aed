#pragma once

#include <cstdint>

namespace pixelcal {

// Lines whose lower envelopes are computed together, one per SIMD lane.
inline constexpr int64_t kLanes = 16;

// Squared step lengths of one axis.
template <class T>
struct StepSquares {
  const T* center;  // center[k] = (k * spacing)^2 for -n < k < n
  double inverse_spacing;
};

// out[y][lane] = min over i of f[i][lane] + squares[y - i] for 0 <= y < n, exactly (in T's arithmetic).
// f and out hold n rows of kLanes values; `rows` is scratch of n + 2 (n / 16 + 1) elements.
//
// The parabolas share one shape, so a line's (leftmost) minimising i never decreases with y. The minimisers
// of every 16th row are found coarse to fine, each between its neighbours' (O(n log n) row operations), and
// bound the search of the rows between; f[y] itself bounds |y - i| by sqrt(f[y]). No divisions, no stack, and
// lanes never branch apart. Felzenszwalb & Huttenlocher 2012 for the envelope; total monotonicity as in
// Aggarwal et al. 1987.
void LowerEnvelope(const int64_t* f, int64_t n, StepSquares<int64_t> squares, int64_t* rows, int64_t* out);
void LowerEnvelope(const double* f, int64_t n, StepSquares<double> squares, int64_t* rows, double* out);

}  // namespace pixelcal
