#include "kernels/surface_distance.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "kernels/surface_elements.h"
#include "parallel.h"
#include "reference.h"

using namespace pixelcal;

namespace {

std::vector<SurfaceMeasures> Surfaces(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b,
                                      const Grid& grid, const SurfaceOptions& options) {
  std::vector<SurfaceMeasures> out(static_cast<size_t>(grid.batch));
  cpu::SurfaceDistances(a, b, grid, options, out);
  return out;
}

bool Near(double a, double b) { return a == b || std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b)); }

double Share(const std::vector<double>& values, double limit) {
  return static_cast<double>(
      std::count_if(values.begin(), values.end(), [&](double v) { return v <= limit; }));
}

}  // namespace

TEST(SurfaceDistancesEqualReference) {
  const std::vector<std::vector<int64_t>> sizes{{16},      {130},      {7, 17},     {33, 16},  {1, 7},
                                                {40, 1},   {5, 63},    {6, 64},     {7, 65},   {3, 127},
                                                {2, 128},  {4, 129},   {33, 5},     {70, 40},  {3, 7, 16},
                                                {7, 1, 7}, {16, 3, 7}, {2, 34, 17}, {9, 5, 65}};
  auto spacings = test::Spacings();
  spacings.push_back({0.7, 0.7, 0.7});
  uint64_t seed = 0;
  for (const auto& size : sizes) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {-1.0, 0.05, 0.5, 0.95, 1.0}) {
      const auto a = test::RandomMask(grid.Count(), density, ++seed),
                 b = test::RandomMask(grid.Count(), 0.3, ++seed);
      if (std::count(b.begin(), b.end(), 1) == 0 || std::count(a.begin(), a.end(), 1) == 0) continue;
      for (const auto& spacing : spacings) {
        for (const auto convention : {SurfaceConvention::kReference, SurfaceConvention::kMonai}) {
          const bool full = convention == SurfaceConvention::kReference;
          const auto sa = reference::SurfacePixels(a.data(), grid, full);
          const auto sb = reference::SurfacePixels(b.data(), grid, full);
          const auto aligned = reference::RightAligned(grid, spacing);
          const auto ab = reference::Distances(sa, sb, aligned), ba = reference::Distances(sb, sa, aligned);
          auto pooled = ab;
          pooled.insert(pooled.end(), ba.begin(), ba.end());
          const auto count = static_cast<double>(pooled.size());
          test::ForEachIsa([&] {
            const auto m = Surfaces(a, b, grid, {spacing, convention, EmptyMask::kNan, 1.6})[0];
            CHECK(Near(m.hd, *std::max_element(pooled.begin(), pooled.end())), m.hd);
            CHECK(Near(m.hd95, full ? reference::Quantile(pooled, 0.95)
                                    : std::max(reference::Quantile(ab, 0.95), reference::Quantile(ba, 0.95))),
                  m.hd95);
            CHECK(Near(m.assd, std::accumulate(pooled.begin(), pooled.end(), 0.0) / count), m.assd);
            CHECK(Near(m.a_to_b, std::accumulate(ab.begin(), ab.end(), 0.0) / static_cast<double>(ab.size())),
                  m.a_to_b);
            CHECK(m.nsd == Share(pooled, 1.6) / count, m.nsd);
          });
        }
      }
    }
  }
}

// Single pixels far apart, and a crop that starts inside a word: too few distances to be counted by size.
TEST(SurfaceDistancesOfDistantPixels) {
  for (const auto& size : std::vector<std::vector<int64_t>>{{300, 400}, {20, 150, 200}}) {
    const Grid grid = MakeGrid(1, size);
    std::vector<uint8_t> a(static_cast<size_t>(grid.Count()), 0), b = a;
    const auto dhw = grid.DepthHeightWidth();
    const auto at = [&](int64_t z, int64_t y, int64_t x) {
      return static_cast<size_t>((z * dhw[1] + y) * dhw[2] + x);
    };
    a[at(0, 3, 65)] = 1;
    b[at(dhw[0] - 1, 120, 190)] = b[at(0, 3, 70)] = 1;
    const double far = std::hypot(dhw[0] - 1, 117, 125);
    for (const auto convention : {SurfaceConvention::kReference, SurfaceConvention::kMonai}) {
      const auto m = Surfaces(a, b, grid, {{1, 1, 1}, convention, EmptyMask::kNan, 5})[0];
      CHECK(Near(m.hd, far) && Near(m.assd, (10 + far) / 3) && Near(m.nsd, 2.0 / 3), m.hd, " ", m.assd);
      CHECK(m.a_to_b == 5 && Near(m.b_to_a, (5 + far) / 2), m.b_to_a);
      const double hd95 = convention == SurfaceConvention::kReference ? reference::Quantile({5, 5, far}, 0.95)
                                                                      : reference::Quantile({5, far}, 0.95);
      CHECK(Near(m.hd95, hd95), m.hd95);
    }
  }
}

// Corners by looking at every window of 2^rank pixels, percentiles by sorting.
TEST(SurfaceElementDistancesEqualReference) {
  struct Corners {
    std::vector<reference::Pixel> places;
    std::vector<double> weights;
  };
  const auto corners_of = [](const std::vector<uint8_t>& mask, const Grid& grid,
                             const std::vector<double>& sizes) {
    const auto dhw = grid.DepthHeightWidth();
    const int64_t deep = grid.rank == 3;
    Corners corners;
    for (int64_t z = -deep; z < dhw[0]; ++z)
      for (int64_t y = -1; y < dhw[1]; ++y)
        for (int64_t x = -1; x < dhw[2]; ++x) {
          size_t code = 0;
          for (int64_t dz = 0; dz <= deep; ++dz)
            for (int64_t dy = 0; dy <= 1; ++dy)
              for (int64_t dx = 0; dx <= 1; ++dx)
                code = 2 * code + (reference::Value(mask.data(), dhw, z + dz, y + dy, x + dx) != 0);
          if (code == 0 || code + 1 == sizes.size()) continue;
          corners.places.push_back({z, y, x});
          corners.weights.push_back(sizes[code]);
        }
    return corners;
  };
  const auto percentile = [](const std::vector<double>& distances, const std::vector<double>& weights) {
    std::vector<size_t> order(distances.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return distances[i] < distances[j]; });
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    double covered = 0;
    for (const size_t i : order)
      if ((covered += weights[i]) >= 0.95 * total) return distances[i];
    return distances[order.back()];
  };
  uint64_t seed = 100;
  for (const auto& size : std::vector<std::vector<int64_t>>{
           {7, 17}, {5, 63}, {6, 64}, {40, 66}, {3, 7, 16}, {1, 4, 5}, {5, 9, 65}}) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {0.05, 0.5, 1.0}) {
      const auto a = test::RandomMask(grid.Count(), density, ++seed),
                 b = test::RandomMask(grid.Count(), 0.3, ++seed);
      for (const auto& spacing : test::Spacings()) {
        const auto sizes = SurfaceElementSizes(grid.rank, spacing);
        const auto ca = corners_of(a, grid, sizes), cb = corners_of(b, grid, sizes);
        if (ca.places.empty() || cb.places.empty()) continue;
        const auto aligned = reference::RightAligned(grid, spacing);
        const auto ab = reference::Distances(ca.places, cb.places, aligned),
                   ba = reference::Distances(cb.places, ca.places, aligned);
        double weighted = 0, total = 0;
        for (size_t i = 0; i < ab.size(); ++i) {
          weighted += ab[i] * ca.weights[i];
          total += ca.weights[i];
        }
        test::ForEachIsa([&] {
          const auto m =
              Surfaces(a, b, grid, {spacing, SurfaceConvention::kDeepMind, EmptyMask::kNan, 1.6})[0];
          CHECK(Near(m.a_to_b, weighted / total), m.a_to_b);
          CHECK(Near(m.hd, std::max(*std::max_element(ab.begin(), ab.end()),
                                    *std::max_element(ba.begin(), ba.end()))),
                m.hd);
          CHECK(Near(m.hd95, std::max(percentile(ab, ca.weights), percentile(ba, cb.weights))), m.hd95);
        });
      }
    }
  }
}

TEST(SurfaceElementSizesOfSimpleShapes) {
  const auto lengths = SurfaceElementSizes(2, {3, 4, 1});
  CHECK(lengths[0] == 0 && lengths[15] == 0);
  CHECK(lengths[1] == 2.5 && lengths[14] == 2.5 && lengths[3] == 4 && lengths[5] == 3 && lengths[9] == 5);
  const auto areas = SurfaceElementSizes(3, {1, 1, 1});
  const double corner = std::sqrt(3) / 8;
  CHECK(Near(areas[1], corner) && Near(areas[254], corner) && areas[0] == 0 && areas[255] == 0);
  CHECK(Near(areas[0b00001111], 1) && Near(areas[0b11110000], 1), "a flat cut");
  CHECK(Near(areas[0b00000011], std::sqrt(0.5)), "an edge");
  CHECK(Near(areas[0b10000001], 2 * corner), "opposite corners");
  CHECK(Near(areas[0b00010111], 0.75 * std::sqrt(3)), "a corner and its neighbours: a regular hexagon");
  for (size_t code = 0; code < 256; ++code) {
    CHECK(Near(areas[code], areas[255 - code]) || std::popcount(static_cast<unsigned>(code)) == 4, code);
    const auto mirrored = (code & 0x0f) << 4 | code >> 4;
    CHECK(Near(areas[code], areas[mirrored]), code);
  }
  CHECK(Near(SurfaceElementSizes(3, {2, 3, 5})[0b00001111], 15) &&
        Near(SurfaceElementSizes(3, {2, 3, 5})[0b01010101], 6));
  CHECK_THROWS(SurfaceElementSizes(1, {1, 1, 1}), "size: expected 2 or 3");
}

// Two squares, one shifted by two pixels along the second axis.
TEST(SurfaceDistancesBetweenShiftedSquares) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{12, 16});
  std::vector<uint8_t> a(192, 0), b(192, 0);
  for (size_t y = 3; y < 9; ++y) {
    for (size_t x = 4; x < 10; ++x) a[y * 16 + x] = b[y * 16 + x + 2] = 1;
  }
  for (const auto convention :
       {SurfaceConvention::kReference, SurfaceConvention::kMonai, SurfaceConvention::kDeepMind}) {
    const auto m = Surfaces(a, b, grid, {{1, 0.5, 1}, convention, EmptyMask::kNan, 1})[0];
    CHECK(m.hd == 1 && m.hd95 == 1 && m.nsd == 1 && m.a_to_b == m.b_to_a, m.hd, " ", m.hd95, " ", m.nsd);
    const auto self = Surfaces(a, a, grid, {{1, 1, 1}, convention, EmptyMask::kNan, 0})[0];
    CHECK(self.hd == 0 && self.hd95 == 0 && self.assd == 0 && self.nsd == 1);
  }
}

TEST(SurfaceDistancesOfEmptyMasks) {
  const Grid grid = MakeGrid(3, std::array<int64_t, 2>{3, 4});
  std::vector<uint8_t> a(36, 0), b(36, 0);
  a[12 + 5] = 1;                // second image: b empty
  b[24 + 5] = a[24 + 5] = 255;  // third image: both present
  for (const auto convention :
       {SurfaceConvention::kReference, SurfaceConvention::kMonai, SurfaceConvention::kDeepMind}) {
    const auto nan = Surfaces(a, b, grid, {{2, 3, 1}, convention, EmptyMask::kNan, 1});
    CHECK(std::isnan(nan[0].hd95) && std::isnan(nan[0].nsd) && std::isnan(nan[1].assd) && nan[2].hd == 0);
    const auto reference = Surfaces(a, b, grid, {{2, 3, 1}, convention, EmptyMask::kReference, 1});
    CHECK(reference[0].hd95 == 0 && reference[0].nsd == 1 && std::isinf(reference[1].hd) &&
          reference[1].nsd == 0);
    const auto diagonal = Surfaces(a, b, grid, {{2, 3, 1}, convention, EmptyMask::kDiagonal, 1});
    CHECK(diagonal[0].hd == 0 && diagonal[1].hd == std::sqrt(180.0) && diagonal[1].nsd == 0 &&
          diagonal[2].nsd == 1);
  }
}

TEST(SurfaceDistancesAreTheSameAtAnyThreadCountAndInstructionSet) {
  for (const Grid& grid :
       {MakeGrid(2, std::array<int64_t, 3>{9, 70, 90}), MakeGrid(1, std::array<int64_t, 3>{20, 40, 50}),
        MakeGrid(3, std::array<int64_t, 2>{130, 200})}) {
    const auto a = test::RandomMask(grid.Count(), 0.01, 1), b = test::RandomMask(grid.Count(), 0.02, 2);
    for (const auto convention :
         {SurfaceConvention::kReference, SurfaceConvention::kMonai, SurfaceConvention::kDeepMind}) {
      for (const auto& spacing : test::Spacings()) {
        std::vector<SurfaceMeasures> first;
        test::EverywhereAtAnyThreadCount([&] {
          const auto found = Surfaces(a, b, grid, {spacing, convention, EmptyMask::kNan, 1});
          if (first.empty()) first = found;
          for (size_t image = 0; image < found.size(); ++image) {
            const SurfaceMeasures &m = found[image], &n = first[image];
            CHECK(m.hd == n.hd && m.hd95 == n.hd95 && m.assd == n.assd && m.nsd == n.nsd &&
                      m.a_to_b == n.a_to_b && m.b_to_a == n.b_to_a,
                  "threads ", ThreadCount(), " image ", image);
          }
        });
      }
    }
  }
}

TEST(SurfaceDistancesRejectBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{3});
  const std::vector<uint8_t> good(3, 1), few(2, 1);
  CHECK_THROWS(Surfaces(few, good, grid, {}), "a: expected 3 elements, got 2");
  CHECK_THROWS(Surfaces(good, few, grid, {}), "b: expected 3 elements, got 2");
  CHECK_THROWS(Surfaces(good, good, grid, {.tolerance = -1}), "tolerance: expected");
  CHECK_THROWS(Surfaces(good, good, grid, {.spacing = {0, 1, 1}}), "spacing: expected");
  CHECK_THROWS(Surfaces(good, good, grid, {.convention = SurfaceConvention::kDeepMind}),
               "size: expected 2 or 3");
}
