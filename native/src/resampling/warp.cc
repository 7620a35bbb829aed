// Places are computed once per pixel of the result and used for all planes. Rows of the result are parallel.
#include "resampling/warp.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"

namespace pixelcal {
namespace {

// The corners around a place, right-aligned: offsets of the first corner, steps to the second, its share.
struct Cell {
  int64_t first;
  std::array<int64_t, 3> step;
  std::array<double, 3> share;
};

// The weights of a uniform cubic B-spline's four points at a place between the inner two.
std::array<double, 4> SplineWeights(double t) {
  const double s = 1 - t;
  return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6,
          t * t * t / 6};
}

class Places {
 public:
  Places(const Warp& warp, const Grid& source) : warp_(warp), rank_(source.rank), size_(source.size) {
    strides_[rank_ - 1] = 1;
    for (int axis = rank_ - 2; axis >= 0; --axis) strides_[axis] = strides_[axis + 1] * size_[axis + 1];
    for (int axis = 0; axis < rank_; ++axis) {
      const int64_t spans = warp.control_size[axis] - 3;
      per_pixel_[axis] =
          warp.size[axis] > 1 ? static_cast<double>(spans) / static_cast<double>(warp.size[axis] - 1) : 0;
    }
  }

  // Returns the place of a pixel, moved into the source.
  std::array<double, 3> At(const std::array<int64_t, 3>& pixel) const {
    std::array<double, 3> moved{};
    if (!warp_.control.empty()) moved = Displacement(pixel);
    std::array<double, 3> place{};
    for (int axis = 0; axis < rank_; ++axis) {
      double at = warp_.offset[axis] + moved[axis];
      for (int from = 0; from < rank_; ++from)
        at += warp_.matrix[axis * rank_ + from] * static_cast<double>(pixel[from]);
      // Sums of finite numbers can overflow to NaN, which no comparison holds for: it is moved to 0.
      place[axis] = at > 0 ? std::min(at, static_cast<double>(size_[axis] - 1)) : 0;
    }
    return place;
  }

  Cell CellAt(const std::array<int64_t, 3>& pixel) const {
    const auto place = At(pixel);
    Cell cell{0, {0, 0, 0}, {0, 0, 0}};
    for (int axis = 0; axis < rank_; ++axis) {
      const int64_t low = std::min(static_cast<int64_t>(place[axis]), std::max<int64_t>(0, size_[axis] - 2));
      cell.first += low * strides_[axis];
      cell.step[axis] = size_[axis] > 1 ? strides_[axis] : 0;
      cell.share[axis] = place[axis] - static_cast<double>(low);
    }
    return cell;
  }

  int64_t NearestAt(const std::array<int64_t, 3>& pixel) const {
    const auto place = At(pixel);
    int64_t offset = 0;
    for (int axis = 0; axis < rank_; ++axis)
      offset += static_cast<int64_t>(std::floor(place[axis] + 0.5)) * strides_[axis];
    return offset;
  }

 private:
  std::array<double, 3> Displacement(const std::array<int64_t, 3>& pixel) const {
    std::array<std::array<double, 4>, 3> weights{};
    std::array<int64_t, 3> first{};
    for (int axis = 0; axis < rank_; ++axis) {
      const double t = static_cast<double>(pixel[axis]) * per_pixel_[axis];
      first[axis] = std::min(static_cast<int64_t>(t), warp_.control_size[axis] - 4);
      weights[axis] = SplineWeights(t - static_cast<double>(first[axis]));
    }
    const int64_t points = warp_.control_size[0] * warp_.control_size[1] * warp_.control_size[2];
    std::array<double, 3> moved{};
    const std::array<int, 3> taps{4, rank_ > 1 ? 4 : 1, rank_ > 2 ? 4 : 1};
    for (int a = 0; a < taps[0]; ++a) {
      for (int b = 0; b < taps[1]; ++b) {
        for (int c = 0; c < taps[2]; ++c) {
          const double weight =
              weights[0][a] * (rank_ > 1 ? weights[1][b] : 1) * (rank_ > 2 ? weights[2][c] : 1);
          const int64_t at =
              ((first[0] + a) * warp_.control_size[1] + first[1] + b) * warp_.control_size[2] + first[2] + c;
          for (int axis = 0; axis < rank_; ++axis)
            moved[axis] += weight * warp_.control[static_cast<size_t>(axis * points + at)];
        }
      }
    }
    return moved;
  }

  const Warp& warp_;
  const int rank_;
  const std::array<int64_t, 3> size_;
  std::array<int64_t, 3> strides_{1, 1, 1};
  std::array<double, 3> per_pixel_{0, 0, 0};
};

int64_t PixelsOf(const std::array<int64_t, 3>& size) { return size[0] * size[1] * size[2]; }

// Calls visit(pixel, offset) for every pixel of the result, rows in parallel.
template <class Visit>
void ForEachPixel(const Warp& warp, int rank, const Visit& visit) {
  const int64_t width = warp.size[rank - 1];
  const int64_t rows = PixelsOf(warp.size) / width;
  ParallelFor(rows, std::max<int64_t>(1, 4096 / width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::array<int64_t, 3> pixel{0, 0, 0};
      int64_t rest = row;
      for (int axis = rank - 2; axis >= 0; --axis) {
        pixel[axis] = rest % warp.size[axis];
        rest /= warp.size[axis];
      }
      for (int64_t x = 0; x < width; ++x) {
        pixel[rank - 1] = x;
        visit(pixel, row * width + x);
      }
    }
  });
}

float Between(float a, float b, double share) {
  return static_cast<float>(a + share * (static_cast<double>(b) - a));
}

float Interpolated(const float* plane, const Cell& cell, int rank) {
  const float* at = plane + cell.first;
  const auto line = [&](const float* from) {
    const int last = rank - 1;
    return Between(from[0], from[cell.step[last]], cell.share[last]);
  };
  if (rank == 1) return line(at);
  const auto area = [&](const float* from) {
    const int axis = rank - 2;
    return Between(line(from), line(from + cell.step[axis]), cell.share[axis]);
  };
  return rank == 2 ? area(at) : Between(area(at), area(at + cell.step[0]), cell.share[0]);
}

template <class Label>
Label LargestShare(const Label* labels, const Cell& cell, int rank) {
  const int corners = 1 << rank;
  std::array<Label, 8> found;
  std::array<double, 8> shares;
  int count = 0;
  for (int corner = 0; corner < corners; ++corner) {
    int64_t offset = cell.first;
    double share = 1;
    for (int axis = 0; axis < rank; ++axis) {
      const bool second = corner >> axis & 1;
      if (second) offset += cell.step[axis];
      share *= second ? cell.share[axis] : 1 - cell.share[axis];
    }
    const Label label = labels[offset];
    int at = 0;
    while (at < count && found[static_cast<size_t>(at)] != label) ++at;
    if (at == count) {
      found[static_cast<size_t>(at)] = label;
      shares[static_cast<size_t>(count++)] = 0;
    }
    shares[static_cast<size_t>(at)] += share;
  }
  int best = 0;
  for (int at = 1; at < count; ++at) {
    const auto [i, j] = std::pair{static_cast<size_t>(at), static_cast<size_t>(best)};
    if (shares[i] > shares[j] || (shares[i] == shares[j] && found[i] < found[j])) best = at;
  }
  return found[static_cast<size_t>(best)];
}

}  // namespace

void CheckWarp(const Warp& warp, const Grid& source, int64_t elements, int64_t results) {
  const int64_t pixels = PixelsOf(warp.size);
  Require(elements == source.Count(), "image: expected ", source.Count(), " elements, got ", elements);
  Require(results == CheckedProduct(source.batch, pixels), "out: expected ",
          CheckedProduct(source.batch, pixels), " elements, got ", results);
  const auto finite = [](double value) { return std::isfinite(value); };
  Require(std::all_of(warp.matrix.begin(), warp.matrix.end(), finite), "matrix: expected finite numbers");
  Require(std::all_of(warp.offset.begin(), warp.offset.end(), finite), "offset: expected finite numbers");
  if (warp.control.empty()) return;
  for (int axis = 0; axis < source.rank; ++axis)
    Require(warp.control_size[axis] >= 4, "controlSize: expected 4 points or more per axis, got ",
            warp.control_size[axis]);
  const int64_t points = CheckedProduct(source.rank, PixelsOf(warp.control_size));
  Require(std::ssize(warp.control) == points, "control: expected ", points, " elements, got ",
          warp.control.size());
  Require(std::all_of(warp.control.begin(), warp.control.end(), finite), "control: expected finite numbers");
}

namespace cpu {

void WarpImage(std::span<const float> image, const Grid& source, const Warp& warp,
               Interpolation interpolation, std::span<float> out) {
  CheckWarp(warp, source, std::ssize(image), std::ssize(out));
  const Places places(warp, source);
  const int64_t from = source.Pixels(), to = PixelsOf(warp.size);
  if (interpolation == Interpolation::kNearest) {
    ForEachPixel(warp, source.rank, [&](const std::array<int64_t, 3>& pixel, int64_t at) {
      const int64_t nearest = places.NearestAt(pixel);
      for (int64_t plane = 0; plane < source.batch; ++plane)
        out[static_cast<size_t>(plane * to + at)] = image[static_cast<size_t>(plane * from + nearest)];
    });
    return;
  }
  ForEachPixel(warp, source.rank, [&](const std::array<int64_t, 3>& pixel, int64_t at) {
    const Cell cell = places.CellAt(pixel);
    for (int64_t plane = 0; plane < source.batch; ++plane)
      out[static_cast<size_t>(plane * to + at)] =
          Interpolated(image.data() + plane * from, cell, source.rank);
  });
}

template <class Label>
void WarpLabels(std::span<const Label> labels, const Grid& source, const Warp& warp, std::span<Label> out) {
  CheckWarp(warp, source, std::ssize(labels), std::ssize(out));
  const Places places(warp, source);
  const int64_t from = source.Pixels(), to = PixelsOf(warp.size);
  ForEachPixel(warp, source.rank, [&](const std::array<int64_t, 3>& pixel, int64_t at) {
    const Cell cell = places.CellAt(pixel);
    for (int64_t plane = 0; plane < source.batch; ++plane)
      out[static_cast<size_t>(plane * to + at)] =
          LargestShare(labels.data() + plane * from, cell, source.rank);
  });
}

template void WarpLabels<uint8_t>(std::span<const uint8_t>, const Grid&, const Warp&, std::span<uint8_t>);
template void WarpLabels<int32_t>(std::span<const int32_t>, const Grid&, const Warp&, std::span<int32_t>);

}  // namespace cpu
}  // namespace pixelcal
