// The first pass of the distance transform: two saturating sweeps along the slowest axis, whole rows of
// vectors at a time. O(pixels), no transposes.
#include "distance/steps_loops.h"

#include "simd/saturating.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <class T>
inline constexpr T kNone = static_cast<T>(~T{0});

PIXELCAL_INLINE Vec<uint8_t> LoadBytes(const uint8_t* from, uint8_t) { return Load(from); }
PIXELCAL_INLINE Vec<uint16_t> LoadBytes(const uint8_t* from, uint16_t) { return Widen(from); }
PIXELCAL_INLINE Vec<uint32_t> LoadBytes(const uint8_t* from, uint32_t) {
  typedef uint8_t Quarter __attribute__((vector_size(kVectorBytes / 4)));
  Quarter narrow;
  memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, Vec<uint32_t>);
}

// Returns all-ones lanes where there is a site.
template <class T>
PIXELCAL_INLINE Vec<T> AtSites(const uint8_t* bytes, const Sites& sites) {
  const Vec<T> same = (Vec<T>)(LoadBytes(bytes, T{}) == Splat(static_cast<T>(sites.value)));
  return same ^ Splat(static_cast<T>(sites.equal ? T{0} : kNone<T>));
}

PIXELCAL_INLINE bool IsSite(const Sites& sites, int64_t pixel) {
  return (sites.bytes[pixel] == sites.value) == sites.equal;
}

template <class T>
PIXELCAL_INLINE T OneMore(T steps) {
  return static_cast<T>(steps + (steps != kNone<T>));
}

template <class T>
PIXELCAL_INLINE T ReadStep(const uint8_t* from) {
  T step;
  memcpy(&step, from, sizeof step);
  return step;
}

template <class T, int kCount>
PIXELCAL_INLINE void SweepVectors(const Sites& sites, int64_t rows, int64_t row_stride, int64_t x,
                                  uint8_t* steps, int64_t row_bytes) {
  constexpr int kLanes = kLanesOf<T>;
  Vec<T> state[kCount];
  for (int k = 0; k < kCount; ++k) state[k] = Splat(kNone<T>);
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t* bytes = sites.bytes + row * row_stride + x;
    uint8_t* to = steps + row * row_bytes + x * static_cast<int64_t>(sizeof(T));
#pragma GCC unroll 8
    for (int k = 0; k < kCount; ++k) {
      state[k] = AddSaturating(state[k], Splat(T{1})) & ~AtSites<T>(bytes + k * kLanes, sites);
      memcpy(to + k * kVectorBytes, &state[k], kVectorBytes);
    }
  }
  for (int64_t row = rows - 2; row >= 0; --row) {
    uint8_t* to = steps + row * row_bytes + x * static_cast<int64_t>(sizeof(T));
#pragma GCC unroll 8
    for (int k = 0; k < kCount; ++k) {
      Vec<T> down;
      memcpy(&down, to + k * kVectorBytes, kVectorBytes);
      state[k] = Least(down, AddSaturating(state[k], Splat(T{1})));
      memcpy(to + k * kVectorBytes, &state[k], kVectorBytes);
    }
  }
}

template <class T>
void Volume(Sites sites, int64_t rows, int64_t row_stride, int64_t columns, uint8_t* steps,
            int64_t row_bytes) {
  constexpr int64_t kLanes = kLanesOf<T>, kMany = 8;
  int64_t x = 0;
  for (; x + kMany * kLanes <= columns; x += kMany * kLanes)
    SweepVectors<T, kMany>(sites, rows, row_stride, x, steps, row_bytes);
  if (columns >= kLanes) {
    // The last vector may sweep some columns a second time.
    for (; x < columns; x += kLanes)
      SweepVectors<T, 1>(sites, rows, row_stride, x + kLanes <= columns ? x : columns - kLanes, steps,
                         row_bytes);
    return;
  }
  for (; x < columns; ++x) {
    uint8_t* to = steps + x * static_cast<int64_t>(sizeof(T));
    T state = kNone<T>;
    for (int64_t row = 0; row < rows; ++row) {
      state = IsSite(sites, row * row_stride + x) ? T{0} : OneMore(state);
      memcpy(to + row * row_bytes, &state, sizeof(T));
    }
    for (int64_t row = rows - 2; row >= 0; --row) {
      const T down = ReadStep<T>(to + row * row_bytes);
      state = OneMore(state) < down ? OneMore(state) : down;
      memcpy(to + row * row_bytes, &state, sizeof(T));
    }
  }
}

template <int kCount>
PIXELCAL_INLINE void StripVectors(const Sites& sites, int64_t rows, int64_t columns, int64_t x,
                                  const uint16_t* above, const uint16_t* below, uint16_t* steps,
                                  int64_t steps_stride) {
  constexpr int kLanes = kLanesOf<uint16_t>;
  Vec<uint16_t> state[kCount];
  for (int k = 0; k < kCount; ++k) state[k] = Load(above + x + k * kLanes);
  for (int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int k = 0; k < kCount; ++k) {
      const Vec<uint16_t> at_sites = AtSites<uint16_t>(sites.bytes + row * columns + x + k * kLanes, sites);
      state[k] = AddSaturating(state[k], Splat(uint16_t{1})) & ~at_sites;
      Store(steps + row * steps_stride + x + k * kLanes, state[k]);
    }
  }
  for (int k = 0; k < kCount; ++k) state[k] = Load(below + x + k * kLanes);
  for (int64_t row = rows - 1; row >= 0; --row) {
#pragma GCC unroll 4
    for (int k = 0; k < kCount; ++k) {
      uint16_t* to = steps + row * steps_stride + x + k * kLanes;
      state[k] = Least(Load<uint16_t>(to), AddSaturating(state[k], Splat(uint16_t{1})));
      Store(to, state[k]);
    }
  }
}

void Strip(Sites sites, int64_t rows, int64_t columns, const uint16_t* above, const uint16_t* below,
           uint16_t* steps, int64_t steps_stride) {
  constexpr int64_t kLanes = kLanesOf<uint16_t>, kMany = 4;
  int64_t x = 0;
  for (; x + kMany * kLanes <= columns; x += kMany * kLanes)
    StripVectors<kMany>(sites, rows, columns, x, above, below, steps, steps_stride);
  if (columns >= kLanes) {
    for (; x < columns; x += kLanes) {
      StripVectors<1>(sites, rows, columns, x + kLanes <= columns ? x : columns - kLanes, above, below, steps,
                      steps_stride);
    }
    return;
  }
  for (; x < columns; ++x) {
    uint16_t state = above[x];
    for (int64_t row = 0; row < rows; ++row) {
      state = IsSite(sites, row * columns + x) ? uint16_t{0} : OneMore(state);
      steps[row * steps_stride + x] = state;
    }
    state = below[x];
    for (int64_t row = rows - 1; row >= 0; --row) {
      uint16_t& to = steps[row * steps_stride + x];
      state = OneMore(state) < to ? OneMore(state) : to;
      to = state;
    }
  }
}

template <int kCount>
PIXELCAL_INLINE void BorderVectors(const Sites& sites, int64_t rows, int64_t columns, int64_t x,
                                   uint16_t* borders, int64_t border_stride) {
  constexpr int kLanes = kLanesOf<uint16_t>;
  const int64_t strips = (rows + kStripRows - 1) / kStripRows;
  Vec<uint16_t> state[2 * kCount];
  for (int k = 0; k < 2 * kCount; ++k) state[k] = Splat(kNone<uint16_t>);
  for (int64_t strip = 0; strip < strips; ++strip) {
    const int64_t begin = strip * kStripRows, count = rows - begin < kStripRows ? rows - begin : kStripRows;
    Vec<uint8_t> first[kCount], last[kCount];
    for (int k = 0; k < kCount; ++k) first[k] = last[k] = Splat(kNone<uint8_t>);
    for (int64_t row = 0; row < count; ++row) {
      const Vec<uint8_t> at = Splat(static_cast<uint8_t>(row));
#pragma GCC unroll 4
      for (int k = 0; k < kCount; ++k) {
        const Vec<uint8_t> at_sites =
            AtSites<uint8_t>(sites.bytes + (begin + row) * columns + x + k * kVectorBytes, sites);
        first[k] = Least(first[k], at | ~at_sites);
        last[k] = (last[k] & ~at_sites) | (at & at_sites);
      }
    }
    uint8_t firsts[kCount * kVectorBytes], lasts[kCount * kVectorBytes];
    memcpy(firsts, first, sizeof firsts);
    memcpy(lasts, last, sizeof lasts);
    uint16_t* above = borders + strip * border_stride + x;
    for (int k = 0; k < 2 * kCount; ++k) {
      Store(above + k * kLanes, state[k]);
      const Vec<uint16_t> from_first = Widen(firsts + k * kLanes), from_last = Widen(lasts + k * kLanes);
      Store(above + columns + k * kLanes, from_first | (Vec<uint16_t>)(from_first == uint16_t{255}));
      const Vec<uint16_t> through = AddSaturating(state[k], Splat(static_cast<uint16_t>(count)));
      state[k] = from_last == uint16_t{255} ? through : Splat(static_cast<uint16_t>(count - 1)) - from_last;
    }
  }
  for (int k = 0; k < 2 * kCount; ++k) state[k] = Splat(kNone<uint16_t>);
  for (int64_t strip = strips - 1; strip >= 0; --strip) {
    const int64_t count = rows - strip * kStripRows < kStripRows ? rows - strip * kStripRows : kStripRows;
    uint16_t* below = borders + strip * border_stride + columns + x;
    for (int k = 0; k < 2 * kCount; ++k) {
      const Vec<uint16_t> from_first = Load<uint16_t>(below + k * kLanes);
      Store(below + k * kLanes, state[k]);
      const Vec<uint16_t> through = AddSaturating(state[k], Splat(static_cast<uint16_t>(count)));
      state[k] = from_first == kNone<uint16_t> ? through : from_first;
    }
  }
}

void StripBorders(Sites sites, int64_t rows, int64_t columns, int64_t first, int64_t last, uint16_t* borders,
                  int64_t border_stride) {
  constexpr int64_t kLanes = kVectorBytes, kMany = 4;
  int64_t x = first;
  for (; x + kMany * kLanes <= last; x += kMany * kLanes)
    BorderVectors<kMany>(sites, rows, columns, x, borders, border_stride);
  if (last - first >= kLanes) {
    for (; x < last; x += kLanes)
      BorderVectors<1>(sites, rows, columns, x + kLanes <= last ? x : last - kLanes, borders, border_stride);
    return;
  }
  for (; x < last; ++x) {
    uint16_t state = kNone<uint16_t>;
    for (int64_t row = 0; row < rows; ++row) {
      if (row % kStripRows == 0) borders[row / kStripRows * border_stride + x] = state;
      state = IsSite(sites, row * columns + x) ? uint16_t{0} : OneMore(state);
    }
    state = kNone<uint16_t>;
    for (int64_t row = rows - 1; row >= 0; --row) {
      if (row == rows - 1 || row % kStripRows == kStripRows - 1)
        borders[row / kStripRows * border_stride + columns + x] = state;
      state = IsSite(sites, row * columns + x) ? uint16_t{0} : OneMore(state);
    }
  }
}

}  // namespace

extern const StepsTable kSteps;
const StepsTable kSteps{StripBorders, Strip, Volume<uint8_t>, Volume<uint16_t>, Volume<uint32_t>};

}  // namespace pixelcal::simd::PIXELCAL_ISA
