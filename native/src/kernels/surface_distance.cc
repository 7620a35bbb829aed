// Both masks are cropped to the box around them; the distance of every surface element to the other surface
// is read from the exact distance transform of that surface. Percentiles by selection, weighted ones by
// sorting.
#include "kernels/surface_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/distance_passes.h"
#include "kernels/surface_elements.h"
#include "parallel.h"

namespace pixelcal {
namespace {

using Size = std::array<int64_t, 3>;

struct Box {
  Size first{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max(),
             std::numeric_limits<int64_t>::max()};
  Size last{-1, -1, -1};
  Size Extent() const { return {last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1}; }
};

// The box around the nonzero pixels of both masks, and which mask has any.
Box BoundingBox(const uint8_t* a, const uint8_t* b, const Size& dhw, bool* any_a, bool* any_b) {
  Box box;
  *any_a = *any_b = false;
  for (int64_t z = 0; z < dhw[0]; ++z) {
    for (int64_t y = 0; y < dhw[1]; ++y) {
      const int64_t row = (z * dhw[1] + y) * dhw[2];
      int64_t first = dhw[2], last = -1;
      for (int64_t x = 0; x < dhw[2]; ++x) {
        *any_a |= a[row + x] != 0;
        *any_b |= b[row + x] != 0;
        if (a[row + x] == 0 && b[row + x] == 0) continue;
        first = std::min(first, x);
        last = x;
      }
      if (last < 0) continue;
      const Size low{z, y, first}, high{z, y, last};
      for (size_t axis = 0; axis < 3; ++axis) {
        box.first[axis] = std::min(box.first[axis], low[axis]);
        box.last[axis] = std::max(box.last[axis], high[axis]);
      }
    }
  }
  return box;
}

// The mask inside the box with a border of one zero pixel before and after each axis in use, as 0 and 1.
std::vector<uint8_t> Crop(const uint8_t* mask, const Size& dhw, const Box& box, const Size& border) {
  const Size extent = box.Extent();
  const Size padded{extent[0] + 2 * border[0], extent[1] + 2 * border[1], extent[2] + 2 * border[2]};
  std::vector<uint8_t> crop(static_cast<size_t>(padded[0] * padded[1] * padded[2]), 0);
  for (int64_t z = 0; z < extent[0]; ++z) {
    for (int64_t y = 0; y < extent[1]; ++y) {
      const uint8_t* from = mask + ((box.first[0] + z) * dhw[1] + box.first[1] + y) * dhw[2] + box.first[2];
      uint8_t* to = crop.data() + ((z + border[0]) * padded[1] + y + border[1]) * padded[2] + border[2];
      for (int64_t x = 0; x < extent[2]; ++x) to[x] = from[x] != 0;
    }
  }
  return crop;
}

// A surface on a grid of places: 0 for no surface, else a code (1 for surface pixels).
struct Surface {
  Size size;
  std::vector<uint8_t> code;
};

// Pixels of the mask with a neighbour outside it: the full 3^d neighbourhood, or only those that share a
// face.
Surface SurfacePixels(const uint8_t* mask, const Size& dhw, const Box& box, int rank, bool full) {
  const Size border{rank == 3, rank >= 2, 1};
  const std::vector<uint8_t> crop = Crop(mask, dhw, box, border);
  const Size extent = box.Extent();
  const int64_t width = extent[2] + 2 * border[2], plane = width * (extent[1] + 2 * border[1]);
  std::vector<int64_t> neighbours;
  for (int64_t z = -border[0]; z <= border[0]; ++z) {
    for (int64_t y = -border[1]; y <= border[1]; ++y) {
      for (int64_t x = -border[2]; x <= border[2]; ++x)
        if (full || std::abs(z) + std::abs(y) + std::abs(x) == 1)
          neighbours.push_back(z * plane + y * width + x);
    }
  }
  Surface surface{extent, std::vector<uint8_t>(static_cast<size_t>(extent[0] * extent[1] * extent[2]))};
  std::vector<uint8_t> core(static_cast<size_t>(extent[2]));
  for (int64_t z = 0; z < extent[0]; ++z) {
    for (int64_t y = 0; y < extent[1]; ++y) {
      const uint8_t* row = crop.data() + (z + border[0]) * plane + (y + border[1]) * width + border[2];
      std::fill(core.begin(), core.end(), uint8_t{1});
      for (const int64_t offset : neighbours) {
        for (int64_t x = 0; x < extent[2]; ++x) core[static_cast<size_t>(x)] &= row[x + offset];
      }
      uint8_t* to = surface.code.data() + (z * extent[1] + y) * extent[2];
      for (int64_t x = 0; x < extent[2]; ++x)
        to[x] = row[x] & static_cast<uint8_t>(~core[static_cast<size_t>(x)]);
    }
  }
  return surface;
}

// The pixel corners around which not all of the 2^rank pixels agree, with the code of SurfaceElementSizes.
Surface SurfaceCorners(const uint8_t* mask, const Size& dhw, const Box& box, int rank) {
  const Size border{rank == 3, 1, 1};
  const std::vector<uint8_t> crop = Crop(mask, dhw, box, border);
  const Size extent = box.Extent();
  const Size size{extent[0] + border[0], extent[1] + 1, extent[2] + 1};
  const int64_t width = extent[2] + 2, plane = width * (extent[1] + 2);
  const int full = rank == 3 ? 255 : 15;
  Surface surface{size, std::vector<uint8_t>(static_cast<size_t>(size[0] * size[1] * size[2]))};
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) {
      for (int64_t x = 0; x < size[2]; ++x) {
        int code = 0;
        for (int64_t dz = 0; dz <= border[0]; ++dz) {
          const uint8_t* at = crop.data() + (z + dz) * plane + y * width + x;
          code = code << 4 | at[0] << 3 | at[1] << 2 | at[width] << 1 | at[width + 1];
        }
        surface.code[static_cast<size_t>((z * size[1] + y) * size[2] + x)] =
            static_cast<uint8_t>(code == full ? 0 : code);
      }
    }
  }
  return surface;
}

struct Element {
  double distance;
  double weight;
};

// Each element of `from` with its distance to the nearest element of `to`.
std::vector<Element> DistancesBetween(const Surface& from, const Surface& to, int rank,
                                      const std::array<double, 3>& spacing, std::span<const double> weights,
                                      std::vector<float>& squares) {
  const Size& s = from.size;
  const Grid grid = MakeGrid(1, std::span<const int64_t>(s).subspan(static_cast<size_t>(3 - rank)));
  const internal::DistancePlan plan = internal::MakePlan(1, grid, {spacing, true, NoZero::kInfinity});
  squares.resize(from.code.size());
  internal::SweepSlowestAxis(
      plan, [&](int64_t) { return [&](int64_t pixel) { return to.code[static_cast<size_t>(pixel)] != 0; }; },
      squares.data());
  internal::FinishDistances(plan, squares.data());
  std::vector<Element> elements;
  for (size_t i = 0; i < from.code.size(); ++i) {
    if (from.code[i] == 0) continue;
    elements.push_back(
        {std::sqrt(static_cast<double>(squares[i])), weights.empty() ? 1.0 : weights[from.code[i]]});
  }
  return elements;
}

// Linear interpolation between order statistics, as numpy.percentile and torch.quantile.
std::pair<double, double> Neighbours(std::vector<double>& values, double quantile, double* fraction) {
  const double place = static_cast<double>(values.size() - 1) * quantile;
  const auto below = static_cast<size_t>(place);
  *fraction = place - static_cast<double>(below);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at;
  return {low, below + 1 < values.size() ? *std::min_element(at + 1, values.end()) : low};
}

double Percentile95(const std::vector<Element>& elements) {
  std::vector<double> values(elements.size());
  std::transform(elements.begin(), elements.end(), values.begin(),
                 [](const Element& e) { return e.distance; });
  double fraction;
  const auto [low, high] = Neighbours(values, 0.95, &fraction);
  return low + (high - low) * fraction;
}

// numpy.percentile of a float32 array, rounding as NumPy 2 does.
double PooledPercentile95(const std::vector<Element>& a, const std::vector<Element>& b) {
  std::vector<double> values;
  values.reserve(a.size() + b.size());
  for (const Element& e : a) values.push_back(static_cast<float>(e.distance));
  for (const Element& e : b) values.push_back(static_cast<float>(e.distance));
  double fraction;
  const auto neighbours = Neighbours(values, 0.95, &fraction);
  const auto low = static_cast<float>(neighbours.first), high = static_cast<float>(neighbours.second);
  const float step = high - low;
  return fraction >= 0.5 ? high - step * static_cast<float>(1 - fraction)
                         : low + step * static_cast<float>(fraction);
}

// The first distance at which 95 % of the surface's length or area is covered.
double WeightedPercentile95(std::vector<Element> elements) {
  std::sort(elements.begin(), elements.end(), [](const Element& a, const Element& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.weight < b.weight;
  });
  double total = 0, covered = 0;
  for (const Element& e : elements) total += e.weight;
  for (const Element& e : elements) {
    covered += e.weight;
    if (covered / total >= 0.95) return e.distance;
  }
  return elements.back().distance;
}

struct Sums {
  double weight = 0, distance = 0, within = 0, farthest = 0;
};

Sums Sum(const std::vector<Element>& elements, double tolerance) {
  Sums sums;
  for (const Element& e : elements) {
    sums.weight += e.weight;
    sums.distance += e.weight * e.distance;
    if (e.distance <= tolerance) sums.within += e.weight;
    sums.farthest = std::max(sums.farthest, e.distance);
  }
  return sums;
}

SurfaceMeasures WhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
  double distance = std::numeric_limits<double>::quiet_NaN(), nsd = distance;
  if (options.empty != EmptyMask::kNan) {
    nsd = both ? 1 : 0;
    distance = both ? 0 : std::numeric_limits<double>::infinity();
    if (!both && options.empty == EmptyMask::kDiagonal) {
      double square = 0;
      for (int axis = 0; axis < grid.rank; ++axis)
        square += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
      distance = std::sqrt(square);
    }
  }
  return {distance, distance, distance, nsd, distance, distance};
}

SurfaceMeasures Measure(const uint8_t* a, const uint8_t* b, const Grid& grid, const SurfaceOptions& options,
                        std::span<const double> weights) {
  const Size dhw = grid.DepthHeightWidth();
  bool any_a, any_b;
  const Box box = BoundingBox(a, b, dhw, &any_a, &any_b);
  if (!any_a || !any_b) return WhenEmpty(!any_a && !any_b, grid, options);

  const auto surface_of = [&](const uint8_t* mask) {
    return options.convention == SurfaceConvention::kDeepMind
               ? SurfaceCorners(mask, dhw, box, grid.rank)
               : SurfacePixels(mask, dhw, box, grid.rank,
                               options.convention == SurfaceConvention::kReference);
  };
  const Surface of_a = surface_of(a), of_b = surface_of(b);
  std::vector<float> squares;
  const auto a_to_b = DistancesBetween(of_a, of_b, grid.rank, options.spacing, weights, squares);
  const auto b_to_a = DistancesBetween(of_b, of_a, grid.rank, options.spacing, weights, squares);

  const Sums sa = Sum(a_to_b, options.tolerance), sb = Sum(b_to_a, options.tolerance);
  SurfaceMeasures measures;
  measures.hd = std::max(sa.farthest, sb.farthest);
  measures.assd = (sa.distance + sb.distance) / (sa.weight + sb.weight);
  measures.nsd = (sa.within + sb.within) / (sa.weight + sb.weight);
  measures.a_to_b = sa.distance / sa.weight;
  measures.b_to_a = sb.distance / sb.weight;
  switch (options.convention) {
    case SurfaceConvention::kReference:
      measures.hd95 = PooledPercentile95(a_to_b, b_to_a);
      break;
    case SurfaceConvention::kMonai:
      measures.hd95 = std::max(Percentile95(a_to_b), Percentile95(b_to_a));
      break;
    case SurfaceConvention::kDeepMind:
      measures.hd95 = std::max(WeightedPercentile95(a_to_b), WeightedPercentile95(b_to_a));
      break;
  }
  return measures;
}

}  // namespace

namespace cpu {

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(a.size() == count, "a: expected ", count, " elements, got ", a.size());
  Require(b.size() == count, "b: expected ", count, " elements, got ", b.size());
  Require(out.size() == static_cast<size_t>(grid.batch), "out: expected ", grid.batch, " results, got ",
          out.size());
  Require(options.tolerance >= 0, "tolerance: expected at least 0, got ", options.tolerance);
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
  }
  std::vector<double> weights;
  if (options.convention == SurfaceConvention::kDeepMind)
    weights = SurfaceElementSizes(grid.rank, options.spacing);
  ParallelFor(grid.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const int64_t at = image * grid.Pixels();
      out[static_cast<size_t>(image)] = Measure(a.data() + at, b.data() + at, grid, options, weights);
    }
  });
}

}  // namespace cpu
}  // namespace pixelcal
