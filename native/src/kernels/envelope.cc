#include "kernels/envelope.h"

#include <algorithm>
#include <cmath>

#include "targets.h"

namespace pixelcal {
namespace {

constexpr int64_t kBlock = 16;      // rows between two coarse rows
constexpr int64_t kNearSteps = 12;  // below this reach the search needs no coarse rows

template <class T>
[[gnu::always_inline]] inline int64_t Reach(T value, const StepSquares<T>& squares, int64_t n) {
  const double steps = std::sqrt(static_cast<double>(value)) * squares.inverse_spacing + 1;
  return steps < static_cast<double>(n) ? static_cast<int64_t>(steps) : n;
}

// The smallest and largest leftmost minimiser over the lanes, for row y, searched in [first, last].
template <class T>
[[gnu::always_inline]] inline void Minimisers(const T* f, const StepSquares<T>& squares, int64_t y,
                                              int64_t first, int64_t last, int64_t* lowest,
                                              int64_t* highest) {
  T best[kLanes];
  T index[kLanes];  // in T, so that value and index are selected by one mask
#pragma omp simd
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    best[lane] = f[first * kLanes + lane] + squares.center[first - y];
    index[lane] = static_cast<T>(first);
  }
  for (int64_t i = first + 1; i <= last; ++i) {
    const T* row = f + i * kLanes;
    const T step = squares.center[i - y];
    const T at = static_cast<T>(i);
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const T value = row[lane] + step;
      const bool less = value < best[lane];
      best[lane] = less ? value : best[lane];
      index[lane] = less ? at : index[lane];
    }
  }
  T low = index[0], high = index[0];
  for (int64_t lane = 1; lane < kLanes; ++lane) {
    low = std::min(low, index[lane]);
    high = std::max(high, index[lane]);
  }
  *lowest = static_cast<int64_t>(low);
  *highest = static_cast<int64_t>(high);
}

// One output row from the candidates [first, last]: four at a time, so that the running minimum is loaded and
// stored once per four.
template <class T>
[[gnu::always_inline]] inline void MinimumRow(const T* f, const T* step, int64_t first, int64_t last,
                                              T* out) {
  int64_t i = first;
  const T* row = f + i * kLanes;
#pragma omp simd
  for (int64_t lane = 0; lane < kLanes; ++lane) out[lane] = row[lane] + step[i];
  for (++i; i + 4 <= last + 1; i += 4) {
    const T* r = f + i * kLanes;
    const T s0 = step[i], s1 = step[i + 1], s2 = step[i + 2], s3 = step[i + 3];
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const T a = r[lane] + s0, b = r[kLanes + lane] + s1;
      const T c = r[2 * kLanes + lane] + s2, d = r[3 * kLanes + lane] + s3;
      const T ab = b < a ? b : a, cd = d < c ? d : c;
      const T least = cd < ab ? cd : ab;
      out[lane] = least < out[lane] ? least : out[lane];
    }
  }
  for (; i <= last; ++i) {
    const T* r = f + i * kLanes;
    const T s = step[i];
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const T value = r[lane] + s;
      out[lane] = value < out[lane] ? value : out[lane];
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void Envelope(const T* f, int64_t n, const StepSquares<T>& squares,
                                            int64_t* rows, T* out) {
  const int64_t blocks = (n + kBlock - 1) / kBlock;
  int64_t* reach = rows;
  int64_t* low = rows + n;
  int64_t* high = low + blocks;

  int64_t widest = 0;
  for (int64_t y = 0; y < n; ++y) {
    T most{0};
#pragma omp simd reduction(max : most)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      most = f[y * kLanes + lane] > most ? f[y * kLanes + lane] : most;
    reach[y] = most == 0 ? 0 : Reach(most, squares, n);
    widest = std::max(widest, reach[y]);
  }

  const bool coarse = widest > kNearSteps && blocks > 2;
  if (coarse) {
    const auto search = [&](int64_t block, int64_t first, int64_t last) {
      const int64_t y = block * kBlock;
      Minimisers(f, squares, y, std::max(first, y - reach[y]), std::min(last, y + reach[y]), &low[block],
                 &high[block]);
    };
    search(0, 0, n - 1);
    int64_t stride = 1;
    while (stride < blocks) stride *= 2;
    for (stride /= 2; stride >= 1; stride /= 2) {
      for (int64_t block = stride; block < blocks; block += 2 * stride)
        search(block, low[block - stride], block + stride < blocks ? high[block + stride] : n - 1);
    }
  }

  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = coarse ? low[block] : 0;
    const int64_t last = coarse && block + 1 < blocks ? high[block + 1] : n - 1;
    for (int64_t y = block * kBlock; y < std::min(n, (block + 1) * kBlock); ++y) {
      MinimumRow(f, squares.center - y, std::max(first, y - reach[y]), std::min(last, y + reach[y]),
                 out + y * kLanes);
    }
  }
}

}  // namespace

PIXELCAL_TARGETS void LowerEnvelope(const int64_t* f, int64_t n, StepSquares<int64_t> squares, int64_t* rows,
                                    int64_t* out) {
  Envelope(f, n, squares, rows, out);
}

PIXELCAL_TARGETS void LowerEnvelope(const double* f, int64_t n, StepSquares<double> squares, int64_t* rows,
                                    double* out) {
  Envelope(f, n, squares, rows, out);
}

}  // namespace pixelcal
