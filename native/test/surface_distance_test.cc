#include "surface/surface_distance.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/parallel.h"
#include "cases.h"
#include "check.h"
#include "isa.h"
#include "surface_twin.h"

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
            const auto m = Surfaces(
                a, b, grid, {spacing, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 1.6})[0];
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
      const auto m =
          Surfaces(a, b, grid, {{1, 1, 1}, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 5})[0];
      CHECK(Near(m.hd, far) && Near(m.assd, (10 + far) / 3) && Near(m.nsd, 2.0 / 3), m.hd, " ", m.assd);
      CHECK(m.a_to_b == 5 && Near(m.b_to_a, (5 + far) / 2), m.b_to_a);
      const double hd95 = convention == SurfaceConvention::kReference ? reference::Quantile({5, 5, far}, 0.95)
                                                                      : reference::Quantile({5, far}, 0.95);
      CHECK(Near(m.hd95, hd95), m.hd95);
    }
  }
}

TEST(SurfaceElementDistancesEqualReference) {
  uint64_t seed = 100;
  for (const auto& size : std::vector<std::vector<int64_t>>{
           {7, 17}, {5, 63}, {6, 64}, {40, 66}, {3, 7, 16}, {1, 4, 5}, {5, 9, 65}}) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {0.05, 0.5, 1.0}) {
      const auto a = test::RandomMask(grid.Count(), density, ++seed),
                 b = test::RandomMask(grid.Count(), 0.3, ++seed);
      for (const auto& spacing : test::Spacings()) {
        const SurfaceOptions options{.spacing = spacing,
                                     .convention = SurfaceConvention::kDeepMind,
                                     .tolerance = 1.6,
                                     .percentile = 70};
        const auto n = reference::Surfaces(a.data(), b.data(), nullptr, grid, options);
        if (!std::isfinite(n.hd)) continue;
        test::ForEachIsa([&] {
          const auto m = Surfaces(a, b, grid, options)[0];
          CHECK(Near(m.a_to_b, n.a_to_b) && Near(m.nsd, n.nsd) && m.hd == n.hd, m.a_to_b, " ", m.hd);
          CHECK(Near(m.hd95, n.hd95) && Near(m.hd_percentile, n.hd_percentile), m.hd95, " ", n.hd95);
        });
      }
    }
  }
}

// A square moved by whole pixels: every surface pixel is at most that far from the other surface, whole edges
// exactly, and all of them count at that tolerance.
TEST(SurfaceDistancesAtTheToleranceCount) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{14, 15});
  for (const double in_plane : {0.33, 0.47, 0.625, 0.7, 0.78, 0.85, 0.9, 0.977, 1.2, 1.37}) {
    for (const double slice : {2.5, 5.0, 10.0}) {
      for (size_t steps = 1; steps <= 3; ++steps) {
        for (const bool across : {false, true}) {
          std::vector<uint8_t> a(14 * 15, 0), b = a;
          for (size_t y = 2; y < 10; ++y)
            for (size_t x = 3; x < 11; ++x)
              a[y * 15 + x] = b[(y + (across ? steps : 0)) * 15 + x + (across ? 0 : steps)] = 1;
          const double tolerance = static_cast<double>(steps) * (across ? slice : in_plane);
          for (const auto convention :
               {SurfaceConvention::kReference, SurfaceConvention::kMonai, SurfaceConvention::kDeepMind}) {
            SurfaceOptions options{.spacing = {slice, in_plane, 1}, .convention = convention};
            options.tolerance = tolerance;
            const auto m = Surfaces(a, b, grid, options)[0];
            const auto n = reference::Surfaces(a.data(), b.data(), nullptr, grid, options);
            CHECK(m.nsd == 1 && n.nsd == 1 && m.hd == tolerance && n.hd == tolerance, in_plane, " x ", slice,
                  " at ", tolerance, ": ", m.nsd, " ", m.hd);
            options.tolerance = tolerance * (1 - 1e-12);
            const auto less = Surfaces(a, b, grid, options)[0];
            CHECK(less.nsd < 1 &&
                      Near(less.nsd, reference::Surfaces(a.data(), b.data(), nullptr, grid, options).nsd),
                  less.nsd);
          }
        }
      }
    }
  }
}

// In float64 7 x 0.1 and 3 x 0.11 are a little more than 0.7 and 0.33.
TEST(SurfaceDistancesBeyondTheToleranceByRoundingCount) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{1, 12});
  struct Case {
    double side, tolerance;
    size_t steps;
  };
  for (const auto& [side, tolerance, steps] : {Case{0.1, 0.7, 7}, {0.11, 0.33, 3}, {0.7, 2.1, 3}}) {
    std::vector<uint8_t> a(12, 0), b = a;
    a[1] = b[1 + steps] = 1;
    for (const auto& spacing : {std::array{side, side, 1.0}, {5.0, side, 1.0}}) {
      const auto m = Surfaces(a, b, grid, {.spacing = spacing, .tolerance = tolerance})[0];
      CHECK(m.nsd == 1 && m.hd == side * static_cast<double>(steps), m.nsd, " ", m.hd);
      CHECK(Surfaces(a, b, grid, {.spacing = spacing, .tolerance = tolerance * (1 - 1e-14)})[0].nsd == 0);
    }
  }
}

// Pixel (0, 0) against pixel (1, 2); their squares leave the range of float64, at one end or at both.
TEST(SurfaceDistancesAtTheEndsOfNumbers) {
  for (const auto& [size, at] : {std::pair(std::vector<int64_t>{2, 3}, size_t{5}), {{1, 2, 3}, 5}}) {
    const Grid grid = MakeGrid(1, size);
    std::vector<uint8_t> a(6, 0), b = a;
    a[0] = b[at] = 1;
    const std::array<double, 2> sides[] = {{1e19, 3e19},     {1e-160, 1e-150}, {1e200, 2e200},
                                           {1e-200, 3e-200}, {1, 1e-200},      {1e-200, 1},
                                           {1e300, 1e10},    {1e-310, 2e-310}, {1e200, 1e200}};
    for (const auto& [row, column] : sides) {
      for (const auto convention :
           {SurfaceConvention::kReference, SurfaceConvention::kMonai, SurfaceConvention::kDeepMind}) {
        // An axis of one pixel counts only where it has two corners.
        const double deep = convention == SurfaceConvention::kDeepMind ? row : 1e308;
        SurfaceOptions options{.spacing = {row, column, 1}, .convention = convention};
        if (grid.rank == 3) options.spacing = {deep, row, column};
        options.tolerance = std::hypot(row, 2 * column);
        const auto m = Surfaces(a, b, grid, options)[0];
        CHECK(Near(m.hd / options.tolerance, 1) && m.nsd == 1, row, " x ", column, ": ", m.hd, " ", m.nsd);
        options.one_empty = OneEmpty::kDiagonal;
        const auto far = Surfaces(a, std::vector<uint8_t>(6, 0), grid, options)[0];
        if (grid.rank == 2) CHECK(Near(far.hd / std::hypot(2 * row, 3 * column), 1), far.hd);
        const auto next = Surfaces({1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, grid, options)[0];
        CHECK(convention == SurfaceConvention::kDeepMind || next.hd == column, next.hd);
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
    const auto m =
        Surfaces(a, b, grid, {{1, 0.5, 1}, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 1})[0];
    CHECK(m.hd == 1 && m.hd95 == 1 && m.nsd == 1 && m.a_to_b == m.b_to_a, m.hd, " ", m.hd95, " ", m.nsd);
    const auto self =
        Surfaces(a, a, grid, {{1, 1, 1}, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 0})[0];
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
    const auto nan =
        Surfaces(a, b, grid, {{2, 3, 1}, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 1});
    CHECK(std::isnan(nan[0].hd95) && std::isnan(nan[0].nsd) && std::isnan(nan[1].assd) && nan[2].hd == 0);
    const auto reference =
        Surfaces(a, b, grid, {{2, 3, 1}, convention, BothEmpty::kPerfect, OneEmpty::kWorst, 1});
    CHECK(reference[0].hd95 == 0 && reference[0].nsd == 1 && std::isinf(reference[1].hd) &&
          reference[1].nsd == 0);
    const auto diagonal =
        Surfaces(a, b, grid, {{2, 3, 1}, convention, BothEmpty::kPerfect, OneEmpty::kDiagonal, 1});
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
          const auto found =
              Surfaces(a, b, grid, {spacing, convention, BothEmpty::kUndefined, OneEmpty::kUndefined, 1});
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
