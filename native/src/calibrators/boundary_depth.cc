// A box grown along one axis holds one label exactly if the three boxes around the pixel and its two
// neighbours do and the three pixels agree; so each step is one pass per axis over bytes.
#include "calibrators/boundary_depth.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kGrainBytes = 1 << 16;

// One axis of an image: `outer` runs of `length` rows of `inner` pixels.
struct Axis {
  int64_t outer, length, inner;
};

Axis AxisOf(const Grid& grid, int axis) {
  Axis result{1, grid.size[axis], 1};
  for (int i = 0; i < grid.rank; ++i) (i < axis ? result.outer : result.inner) *= grid.size[i];
  result.inner /= result.length;
  return result;
}

// to = from and, at the pixel and both neighbours along the axis, one label and `from`.
template <class Label>
void GrowRow(const Label* labels, const uint8_t* from, uint8_t* to, int64_t count, int64_t before,
             int64_t after) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<uint8_t>(from[i] & from[i - before] & from[i + after] &
                                 (labels[i] == labels[i - before]) & (labels[i] == labels[i + after]));
}

template <class Label>
void Grow(const Label* labels, const Axis& axis, const uint8_t* from, uint8_t* to) {
  if (axis.inner == 1) {
    const int64_t grain = std::max<int64_t>(1, kGrainBytes / axis.length), last = axis.length - 1;
    ParallelFor(axis.outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t at = row * axis.length;
        const auto grow = [&](int64_t i, int64_t count, int64_t before, int64_t after) {
          GrowRow(labels + at + i, from + at + i, to + at + i, count, before, after);
        };
        grow(0, 1, 0, std::min<int64_t>(1, last));
        if (last > 1) grow(1, last - 1, 1, 1);
        if (last > 0) grow(last, 1, 1, 0);
      }
    });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / axis.inner);
  ParallelFor(axis.outer * axis.length, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at = row * axis.inner, place = row % axis.length;
      GrowRow(labels + at, from + at, to + at, axis.inner, place > 0 ? axis.inner : 0,
              place + 1 < axis.length ? axis.inner : 0);
    }
  });
}

template <class Label>
void Depths(const Label* labels, const Grid& grid, std::span<const uint8_t> growth, uint8_t* depth) {
  const auto pixels = static_cast<size_t>(grid.Pixels());
  std::vector<uint8_t> inside(pixels, 1), next(pixels);
  std::fill_n(depth, pixels, uint8_t{0});
  for (const uint8_t step : growth) {
    for (int axis = 0; axis < grid.rank; ++axis) {
      if (!(step >> axis & 1)) continue;
      Grow(labels, AxisOf(grid, axis), inside.data(), next.data());
      inside.swap(next);
    }
    ParallelFor(grid.Pixels(), kGrainBytes, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) depth[i] = static_cast<uint8_t>(depth[i] + inside[i]);
    });
  }
}

}  // namespace

void BoundaryDepth(const LabelSpan& labels, const Grid& grid, std::span<const uint8_t> growth,
                   std::span<uint8_t> depth) {
  const int64_t count = grid.Count(), pixels = grid.Pixels();
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(std::ssize(depth) == count, "depth: expected ", count, " pixels, got ", depth.size());
  Require(growth.size() <= 255, "growth: expected at most 255 steps, got ", growth.size());
  std::visit(
      [&](auto span) {
        for (int64_t n = 0; n < grid.batch; ++n)
          Depths(span.data() + n * pixels, grid, growth, depth.data() + n * pixels);
      },
      labels);
}

}  // namespace pixelcal::cpu
