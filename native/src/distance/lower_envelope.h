#pragma once

// Lower envelopes of parabolas, out[y] = min over i of f[i] + s^2 (y - i)^2, of kLines lines at once, one per
// SIMD lane: no stacks, divisions or gathers. Only for .isa.cc files.
//
// The parabolas share one shape, so the (leftmost) minimising i of a line never decreases with y (total
// monotonicity, Aggarwal et al. 1987). The minimisers of every 8th row are found coarse to fine, each between
// its neighbours', and bound the search of the rows between: O(n log n) steps at worst. f itself bounds |y -
// i| by its root, so that lines with near zeros need no coarse rows at all. All decisions concern the kLines
// lines of a group together: the same bits whatever the width of the vectors.

#include "distance/envelope_numbers.h"

namespace pixelcal::simd::PIXELCAL_ISA {

inline constexpr int kRows = 8;           // rows between two coarse rows
inline constexpr int32_t kNearReach = 8;  // up to here, looking at all rows within reach beats coarse rows

template <class T>
struct Lines {
  using Bound = typename Number<T>::Bound;

  const T* f;  // rows of kLines values; those from n up to a multiple of 16 hold Number<T>::kFar
  int64_t n;   // rows
  const typename Number<T>::Entry* squares;  // squares[k], -n - 16 <= k <= n + 16
  double spacing;                            // of rows
  Bound* least;                              // one per block of kRows rows, as are the next ones
  int32_t *reach, *low, *high;
  int32_t most_reach = 1 << 30;  // no farther rows are looked at
  int32_t near_reach = kNearReach;
  const uint8_t* wanted = nullptr;  // whether each two blocks are wanted; null: all are

  PIXELCAL_INLINE Vec<T> At(int64_t row, int vector) const {
    return Load(f + row * kLines + vector * kLanesOf<T>);
  }
  PIXELCAL_INLINE int64_t Blocks() const { return (n + kRows - 1) / kRows; }
  // Returns whether the minimiser of the first row of a block bounds a window that is wanted: its own, or
  // that of the block before.
  PIXELCAL_INLINE bool Needed(int64_t block) const {
    return !wanted || wanted[block / 2] || (block > 0 && wanted[(block - 1) / 2]);
  }
  // Returns the square of `rows` rows; all results of a block are below that of its reach + 1.
  PIXELCAL_INLINE Bound SquareOf(int64_t rows) const {
    if constexpr (sizeof(T) == 8)
      return (static_cast<double>(rows) * spacing) * (static_cast<double>(rows) * spacing);
    else
      return rows * rows;
  }
  PIXELCAL_INLINE Bound BoundOf(int64_t block) const { return SquareOf(int64_t{reach[block]} + 1); }
};

// Returns the number of rows to either side within a squared distance of `most`. Rounding up only widens the
// search; below 2^24 the root of a float is exact.
PIXELCAL_INLINE int32_t ReachOf(int64_t most, double) {
  return static_cast<int32_t>(__builtin_sqrtf(static_cast<float>(most))) + (most >= 1 << 24);
}
PIXELCAL_INLINE int32_t ReachOf(double most, double spacing) {
  if (most == 0) return 0;
  const double rows = __builtin_sqrt(most) / spacing + 1;
  return rows < 1 << 30 ? static_cast<int32_t>(rows) : 1 << 30;
}

// Computes per block `least`, the smallest f, and `reach`: no minimiser is farther than that from its row.
template <class T>
PIXELCAL_INLINE void Bound(const Lines<T>& lines) {
  const int64_t blocks = lines.Blocks();
  int32_t before = 1 << 30;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = block * kRows, end = first + kRows < lines.n ? first + kRows : lines.n;
    Vec<T> least = lines.At(first, 0), most = least;
    for (int64_t row = first; row < end; ++row) {
      for (int k = 0; k < kVectors<T>; ++k) {
        least = Least(least, lines.At(row, k));
        most = Most(most, lines.At(row, k));
      }
    }
    lines.least[block] = LeastLane(least);
    // The distance to the nearest zero changes by at most one from row to row.
    const int32_t all = ReachOf(static_cast<typename Number<T>::Bound>(MostLane(most)), lines.spacing),
                  reach = all < lines.most_reach ? all : lines.most_reach;
    before = reach < before + kRows ? reach : before + kRows;
    lines.reach[block] = before;
  }
  for (int64_t block = blocks - 2; block >= 0; --block) {
    before = before + kRows < lines.reach[block] ? before + kRows : lines.reach[block];
    lines.reach[block] = before;
  }
}

// Returns whether rows of `block` can give a minimum below `bound` to rows first .. last.
template <class T>
PIXELCAL_INLINE bool Matters(const Lines<T>& lines, int64_t block, int64_t first, int64_t last,
                             typename Number<T>::Bound bound) {
  const int64_t above = first - (block * kRows + kRows - 1), below = block * kRows - last;
  const int64_t gap = above > below ? above : below;
  const auto least = lines.least[block];
  return least < Number<T>::kFar && (gap <= 0 || least + lines.SquareOf(gap) < bound);
}

// Calls body(i) for the even i of [first, last], a window of pairs of rows, skipping the blocks that cannot
// matter.
template <class T, class Body>
PIXELCAL_INLINE void ForPairs(const Lines<T>& lines, int64_t first, int64_t last, int64_t y, int64_t y_last,
                              typename Number<T>::Bound bound, const Body& body) {
  if (last - first < 4 * kRows) {
    for (int64_t i = first; i < last; i += 2) body(i);
    return;
  }
  for (int64_t i = first; i < last;) {
    const int64_t block = i / kRows;
    int64_t end = (block + 1) * kRows;
    end = end < last ? end : last;
    if (!Matters(lines, block, y, y_last, bound)) {
      i = end + (end & 1);
      continue;
    }
    for (; i < end; i += 2) body(i);
  }
}

// Finds the first and last row among the lanes' minimisers for row y, to within a pair, searched in the pairs
// of rows [first, last]. Where a lane saturates its minimiser may be any row; lanes that are far in every row
// (`column` is the least value of each) do not count.
template <class T>
PIXELCAL_INLINE void Minimisers(const Lines<T>& lines, const Vec<T>* column, int64_t y, int64_t first,
                                int64_t last, typename Number<T>::Bound bound, int32_t* low, int32_t* high) {
  Vec<T> best[kVectors<T>], where[kVectors<T>];
  for (int k = 0; k < kVectors<T>; ++k) {
    best[k] = Splat(Number<T>::kFar);
    where[k] = Splat(static_cast<T>(first));
  }
  ForPairs(lines, first, last, y, y, bound, [&](int64_t i) {
    const Vec<T> s0 = Square(lines.squares + y - i, T{}), s1 = Square(lines.squares + y - i - 1, T{});
    const Vec<T> at = Splat(static_cast<T>(i));
    for (int k = 0; k < kVectors<T>; ++k) {
      const Vec<T> value = Least(Add(lines.At(i, k), s0), Add(lines.At(i + 1, k), s1));
      where[k] = value < best[k] ? at : where[k];
      best[k] = Least(best[k], value);
    }
  });
  Vec<T> lowest = Splat(Number<T>::kFar), highest = Splat(T{0});
  for (int k = 0; k < kVectors<T>; ++k) {
    const Vec<T> end = best[k] == Number<T>::kFar ? Splat(static_cast<T>(last)) : where[k] + T{1};
    lowest = Least(lowest, column[k] == Number<T>::kFar ? lowest : where[k]);
    highest = Most(highest, column[k] == Number<T>::kFar ? highest : end);
  }
  const auto from = LeastLane(lowest);
  const bool any = from < Number<T>::kFar;
  *low = static_cast<int32_t>(any ? static_cast<int64_t>(from) : first);
  *high = static_cast<int32_t>(any ? static_cast<int64_t>(MostLane(highest)) : last);
}

// Computes the windows of all blocks: low and high become the first and last row (a pair) that a block's rows
// need.
template <class T>
PIXELCAL_INLINE void FindWindows(const Lines<T>& lines) {
  const int64_t blocks = lines.Blocks(), end = (lines.n - 1) | 1;
  const auto clipped_low = [&](int64_t y, int64_t reach) {
    return y > reach ? (y - reach) & ~int64_t{1} : 0;
  };
  const auto clipped_high = [&](int64_t y, int64_t reach) { return y + reach < end ? (y + reach) | 1 : end; };
  bool coarse = false;
  for (int64_t block = 0; block < blocks; ++block) coarse |= lines.reach[block] > lines.near_reach;
  if (coarse) {
    Vec<T> column[kVectors<T>];
    for (int k = 0; k < kVectors<T>; ++k) column[k] = Splat(Number<T>::kFar);
    for (int64_t block = 0; block < blocks; ++block) {
      if (lines.least[block] >= Number<T>::kFar) continue;
      for (int64_t row = block * kRows; row < (block + 1) * kRows; ++row)
        for (int k = 0; k < kVectors<T>; ++k) column[k] = Least(column[k], lines.At(row, k));
    }
    int64_t stride = 1;
    while (stride < blocks) stride *= 2;
    for (int64_t first = 0; stride >= 1; first = stride /= 2) {
      for (int64_t block = first; block < blocks; block += 2 * stride) {
        const int64_t y = block * kRows, reach = lines.reach[block];
        int64_t low = clipped_low(y, reach), high = clipped_high(y, reach);
        const bool far = reach > lines.near_reach || (block > 0 && lines.reach[block - 1] > lines.near_reach);
        if (far && lines.Needed(block)) {
          if (block >= stride && block > 0) {
            const int64_t left = lines.low[block - stride];
            low = left > low ? left : low;
          }
          if (block + stride < blocks && first > 0) {
            const int64_t right = lines.high[block + stride];
            high = right < high ? right : high;
          }
          Minimisers(lines, column, y, low, high, lines.BoundOf(block), &lines.low[block],
                     &lines.high[block]);
        } else {
          lines.low[block] = static_cast<int32_t>(low);
          lines.high[block] = static_cast<int32_t>(high);
        }
      }
    }
  }
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t reach = lines.reach[block];
    int64_t low = clipped_low(block * kRows, reach), high = clipped_high(block * kRows + kRows - 1, reach);
    if (coarse && reach > lines.near_reach) {
      low = lines.low[block] > low ? lines.low[block] : low;
      if (block + 1 < blocks) high = lines.high[block + 1] < high ? lines.high[block + 1] : high;
    }
    lines.low[block] = static_cast<int32_t>(low);
    lines.high[block] = static_cast<int32_t>(high);
  }
}

// Writes the kRows rows of one block to out, row by row.
template <class T>
PIXELCAL_INLINE void EnvelopeBlock(const Lines<T>& lines, int64_t block, T* out, int64_t out_stride) {
  const int64_t y = block * kRows;
  for (int k = 0; k < kVectors<T>; ++k) {
    Vec<T> least[kRows];
    for (int row = 0; row < kRows; ++row) least[row] = Splat(Number<T>::kFar);
    ForPairs(lines, lines.low[block], lines.high[block], y, y + kRows - 1, lines.BoundOf(block),
             [&](int64_t i) {
               const Vec<T> f0 = lines.At(i, k), f1 = lines.At(i + 1, k);
               const auto* squares = lines.squares + y - i;
               least[0] = Least(least[0], Add(f1, Square(squares - 1, T{})));
#pragma GCC unroll 8
               for (int row = 0; row < kRows; ++row) {
                 const Vec<T> square = Square(squares + row, T{});
                 least[row] = Least(least[row], Add(f0, square));
                 if (row + 1 < kRows) least[row + 1] = Least(least[row + 1], Add(f1, square));
               }
             });
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) Store(out + row * out_stride + k * kLanesOf<T>, least[row]);
  }
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
