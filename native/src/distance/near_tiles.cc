// Distances that matter only up to a limit: a tile has such pixels only if it or a tile within reach of the
// limit has pixels of another value, which the least and the largest value of every tile tell. O(pixels), and
// far from all borders no envelope is made.
#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "distance/edt.h"

namespace pixelcal::internal {
namespace {

// Returns how many tiles of `side` pixels are within a distance, rounded up; at most `most`.
int64_t Reach(double distance, double spacing, int64_t side, int64_t most) {
  const double pixels = distance / spacing * (1 + 1e-6) + 1;  // for distances that were rounded to float32
  if (!(pixels < static_cast<double>(side) * static_cast<double>(most))) return most;
  return (static_cast<int64_t>(pixels) + side - 1) / side;
}

// Makes every value of lines of `count`, `stride` apart, that of `better` among those up to `reach` away.
template <class Better>
void Spread(std::vector<uint8_t>& values, int64_t count, int64_t stride, int64_t reach,
            const Better& better) {
  const std::vector<uint8_t> before = values;
  const int64_t size = std::ssize(values);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t at = i / stride % count;
    const int64_t first = std::max<int64_t>(0, at - reach), last = std::min(count - 1, at + reach);
    for (int64_t other = first; other <= last; ++other)
      values[static_cast<size_t>(i)] =
          better(values[static_cast<size_t>(i)], before[static_cast<size_t>(i + (other - at) * stride)]);
  }
}

}  // namespace

int32_t GridDistance::MarkNear(const uint8_t* bytes, double distance, uint8_t* near) const {
  constexpr int64_t kMostReach = 16;  // beyond it nearly all tiles are near, and looking is not worth it
  constexpr int64_t kFewColumns = 32;
  const std::array<int64_t, 3> counts{planes_, tile_rows_, tile_columns_};
  const std::array<int64_t, 3> sides{1, simd::kStripRows, simd::kTileColumns};
  std::array<int64_t, 3> reach;
  for (size_t axis = 0; axis < 3; ++axis)
    reach[axis] = Reach(distance, spacing_[axis], sides[axis], std::min(kMostReach, counts[axis]));
  const auto size = static_cast<size_t>(tiles());
  if (std::ranges::any_of(reach, [](int64_t each) { return each == kMostReach; })) {
    std::fill_n(near, size, uint8_t{1});
    return 0;
  }
  std::vector<uint8_t> least(size), most(size);
  ParallelFor(planes_ * tile_rows_, Grain(simd::kStripRows * columns_), [&](int64_t begin, int64_t end) {
    // Bytes may alias everything, so that the loop over them names nothing else.
    const int64_t columns = columns_;
    std::vector<uint8_t> lows(static_cast<size_t>(columns)), highs(lows.size());
    uint8_t *const low = lows.data(), *const high = highs.data();
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t row = strip % tile_rows_ * simd::kStripRows;
      const uint8_t* from = bytes + (strip / tile_rows_ * rows_ + row) * columns_;
      std::copy_n(from, columns, low);
      std::copy_n(from, columns, high);
      for (int64_t y = 1; y < std::min(simd::kStripRows, rows_ - row); ++y) {
        from += columns;
#pragma omp simd
        for (int64_t x = 0; x < columns; ++x) {
          low[x] = std::min(low[x], from[x]);
          high[x] = std::max(high[x], from[x]);
        }
      }
      for (int64_t tile = 0; tile < tile_columns_; ++tile) {
        const int64_t first = tile * simd::kTileColumns;
        const int64_t last = std::min(columns, first + simd::kTileColumns);
        const auto at = static_cast<size_t>(strip * tile_columns_ + tile);
        least[at] = *std::min_element(low + first, low + last);
        most[at] = *std::max_element(high + first, high + last);
      }
    }
  });
  const auto smaller = [](uint8_t a, uint8_t b) { return std::min(a, b); };
  const auto larger = [](uint8_t a, uint8_t b) { return std::max(a, b); };
  int64_t stride = 1;
  for (size_t axis = 3; axis-- > 0; stride *= counts[axis]) {
    Spread(least, counts[axis], stride, reach[axis], smaller);
    Spread(most, counts[axis], stride, reach[axis], larger);
  }
  for (size_t i = 0; i < size; ++i) near[i] = least[i] != most[i];
  const int64_t columns = Reach(distance, spacing_[2], 1, kFewColumns);
  return columns < kFewColumns ? static_cast<int32_t>(columns) : 0;
}

void GridDistance::FinishNear(const Sites& sites, int64_t i, const uint8_t* near, int32_t reach,
                              float* out) const {
  const int64_t begin = band_begin(i), end = band_begin(i + 1);
  const auto is_near = [](uint8_t mark) { return mark != 0; };
  if (std::any_of(near + Tile(begin), near + Tile(end - 1) + 1, is_near)) {
    if (reach > 0 && planes_ == 1 && rows_ > 1)
      FinishStrip(sites, i, Form::kRoot, out + begin, near + Tile(begin), reach);
    else
      Finish(sites, i, Form::kRoot, out, near);
  }
  for (int64_t row = begin; row < end; row += columns_) {
    const uint8_t* marks = near + Tile(row);
    for (int64_t tile = 0; tile < tile_columns_; ++tile) {
      const int64_t x = tile * simd::kTileColumns, count = std::min(simd::kTileColumns, columns_ - x);
      if (!marks[tile]) std::fill_n(out + row + x, count, std::numeric_limits<float>::infinity());
    }
  }
}

}  // namespace pixelcal::internal
