#include "surface/surface_distance.h"

#include <cmath>

#include "cuda_test.h"

using namespace pixelcal;
using pixelcal::test::RandomMask;

namespace {

constexpr SurfaceConvention kConventions[] = {SurfaceConvention::kReference, SurfaceConvention::kMonai,
                                              SurfaceConvention::kDeepMind};

// Returns whether two numbers are equal, NaN included, or within a relative `error`.
bool Near(double found, double expected, double error) {
  return found == expected || (std::isnan(found) && std::isnan(expected)) ||
         std::abs(found - expected) <= error * std::abs(expected);
}

void CheckMeasures(const std::vector<SurfaceMeasures>& found, const std::vector<SurfaceMeasures>& expected,
                   const Grid& grid, SurfaceConvention convention, double error) {
  for (size_t i = 0; i < found.size(); ++i) {
    const SurfaceMeasures &f = found[i], &e = expected[i];
    CHECK(Near(f.hd, e.hd, error) && Near(f.hd95, e.hd95, error) &&
              Near(f.hd_percentile, e.hd_percentile, error) && Near(f.assd, e.assd, error) &&
              Near(f.nsd, e.nsd, error) && Near(f.a_to_b, e.a_to_b, error) && Near(f.b_to_a, e.b_to_a, error),
          "size ", grid.size[0], "x", grid.size[1], "x", grid.size[2], " rank ", grid.rank, " convention ",
          static_cast<int>(convention), " result ", i, ": ", f.hd, " ", f.hd95, " ", f.hd_percentile, " ",
          f.assd, " ", f.nsd, " not ", e.hd, " ", e.hd95, " ", e.hd_percentile, " ", e.assd, " ", e.nsd);
  }
}

void CheckEqual(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b, const Grid& grid,
                const SurfaceOptions& options, double error = 0) {
  std::vector<SurfaceMeasures> expected(static_cast<size_t>(grid.batch)), found(expected.size());
  cpu::SurfaceDistances(a, b, grid, options, expected);
  cuda::SurfaceDistances(a, b, grid, options, found);
  CheckMeasures(found, expected, grid, options.convention, error);
}

}  // namespace

CUDA_TEST(SurfaceDistancesEqualCpu) {
  struct Case {
    SurfaceOptions options;
    double error;
  };
  const Case cases[] = {{{{1, 1, 1}, {}, BothEmpty::kPerfect, OneEmpty::kWorst, 1.6}, 0},
                        {{{0.7, 0.7, 0.7}, {}, BothEmpty::kPerfect, OneEmpty::kWorst, 1.6}, 0},
                        // Squares that are exact in any order, and doubles whose last bits depend on it.
                        {{{3, 2, 1.5}, {}, BothEmpty::kPerfect, OneEmpty::kDiagonal, 2}, 0},
                        {{{2.25, 0.85, 0.8}, {}, BothEmpty::kPerfect, OneEmpty::kDiagonal, 1.61}, 1e-15}};
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{1}, {70}, {1, 7}, {33, 40}, {7, 1, 7}, {4, 7, 33}}) {
    const Grid grid = MakeGrid(2, size);
    for (const double density : {-1.0, 0.4, 1.0}) {
      const auto a = RandomMask(grid.Count(), density, ++seed), b = RandomMask(grid.Count(), 0.3, ++seed);
      for (const auto convention : kConventions) {
        if (convention == SurfaceConvention::kDeepMind && grid.rank == 1) continue;
        for (Case each : cases) {
          // The emulator is slow, so larger grids run in one density.
          if (grid.Pixels() > 100 && density != 0.4 && each.options.spacing[0] != 1) continue;
          each.options.convention = convention;
          CheckEqual(a, b, grid, each.options, each.error);
        }
      }
    }
  }
}

CUDA_TEST(SurfaceDistancesAtTheToleranceCount) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{4, 7});
  std::vector<uint8_t> a(28, 0), b = a;
  for (const size_t at : {8, 9, 15, 16}) a[at] = b[at + 3] = 1;
  std::vector<SurfaceMeasures> found(1);
  for (const auto& [slice, side, tolerance] :
       {std::array{5.0, 0.7, 2.1}, {2.5, 0.33, 0.99}, {5e150, 2e150, 6e150}}) {
    for (const auto convention : kConventions) {
      const SurfaceOptions options{
          .spacing = {slice, side, 1}, .convention = convention, .tolerance = tolerance};
      cuda::SurfaceDistances(a, b, grid, options, found);
      CHECK(found[0].nsd == 1 && found[0].hd == side * 3, side, ": ", found[0].nsd, " ", found[0].hd);
      CheckEqual(a, b, grid, options, 1e-15);
    }
  }
}

CUDA_TEST(LabelSurfaceDistancesEqualCpu) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{70}, {9, 40}, {4, 7, 12}}) {
    const Grid grid = MakeGrid(2, size);
    for (const double density : {0.1, 0.7, 0.97}) {
      const auto left_out = RandomMask(grid.Count(), density, ++seed),
                 blobs = RandomMask(grid.Count(), 0.4, ++seed), guess = RandomMask(grid.Count(), 0.4, ++seed);
      std::vector<int32_t> labels(left_out.size()), predicted(left_out.size());
      for (size_t i = 0; i < labels.size(); ++i) {
        labels[i] = left_out[i] ? -1 : blobs[i] * static_cast<int32_t>(1 + i % 3);
        predicted[i] = left_out[i] && i % 2 ? 99 : guess[i] * static_cast<int32_t>(1 + i % 3);
      }
      const LabelSpan a = std::span<const int32_t>(predicted), b = std::span<const int32_t>(labels);
      const SurfaceRegions regions{4, {{1, 2, 3}, {1, 3}, {}}, {0, 1, 2}, -1};
      for (const auto convention : kConventions) {
        if (convention == SurfaceConvention::kDeepMind && grid.rank == 1) continue;
        SurfaceOptions options{{2, 1, 1.5}, convention, BothEmpty::kPerfect, OneEmpty::kDiagonal};
        options.percentile = 70;
        std::vector<SurfaceMeasures> expected(6), found(6);
        cpu::LabelSurfaceDistances(a, b, grid, regions, options, expected);
        cuda::LabelSurfaceDistances(a, b, grid, regions, options, found);
        CheckMeasures(found, expected, grid, convention, 0);
      }
      CHECK_THROWS(cuda::LabelSurfaceDistances(a, b, grid, {4, {}, {}, {}}, {}, {}),
                   "labels: expected classes 0 to 3, got -1 at pixel ");
    }
  }
}

// Far apart, in several chunks, too far for counts by size, and too far for integers.
CUDA_TEST(SurfaceDistancesOfDistantPixels) {
  for (const auto& size : {std::vector<int64_t>{70, 130}, {3, 20, 45}, {27000, 1}}) {
    const Grid grid = MakeGrid(1, size);
    std::vector<uint8_t> a(static_cast<size_t>(grid.Count()), 0), b = a;
    a.front() = 255;
    b.back() = 1;
    for (const auto convention : kConventions)
      if (convention != SurfaceConvention::kDeepMind || grid.Pixels() < 10000)
        CheckEqual(a, b, grid, {{2, 2, 2}, convention});
  }
}

CUDA_TEST(SurfaceDistancesOfEmptyMasks) {
  const Grid grid = MakeGrid(4, std::array<int64_t, 2>{5, 9});
  std::vector<uint8_t> a(static_cast<size_t>(grid.Count()), 0), b = a;
  a[45 + 7] = b[90 + 8] = a[135 + 3] = b[135 + 40] = 1;  // neither, a, b, both
  for (const auto both : {BothEmpty::kUndefined, BothEmpty::kPerfect})
    for (const auto one : {OneEmpty::kWorst, OneEmpty::kDiagonal, OneEmpty::kUndefined})
      for (const auto convention : kConventions) CheckEqual(a, b, grid, {{1, 2, 1}, convention, both, one});
}

CUDA_TEST(SurfaceDistancesRejectBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{2, 3}), line = MakeGrid(1, std::array<int64_t, 1>{6});
  const std::vector<uint8_t> mask(6);
  std::vector<SurfaceMeasures> out(1);
  const auto few = std::span(mask).first(5);
  CHECK_THROWS(cuda::SurfaceDistances(few, mask, grid, {}, out), "a: expected 6");
  CHECK_THROWS(cuda::SurfaceDistances(mask, few, grid, {}, out), "b: expected 6");
  CHECK_THROWS(cuda::SurfaceDistances(mask, mask, grid, {}, std::span(out).first(0)), "out: expected 1");
  CHECK_THROWS(cuda::SurfaceDistances(mask, mask, grid, {.spacing = {0, 1, 1}}, out), "spacing: expected");
  CHECK_THROWS(cuda::SurfaceDistances(mask, mask, grid, {.tolerance = -1}, out), "tolerance: expected");
  CHECK_THROWS(cuda::SurfaceDistances(mask, mask, line, {.convention = SurfaceConvention::kDeepMind}, out),
               "size: expected 2 or 3");
}
