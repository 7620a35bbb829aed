#include "distance/distance.h"

#include <bit>

#include "base/parallel.h"
#include "cases.h"
#include "check.h"
#include "reference.h"

using namespace pixelcal;
using pixelcal::test::Grids;
using pixelcal::test::kDensities;
using pixelcal::test::RandomMask;
using pixelcal::test::Spacings;

namespace {

std::vector<float> Transform(const std::vector<uint8_t>& mask, const Grid& grid,
                             const DistanceOptions& options) {
  std::vector<float> out(mask.size(), -1.0f);
  cpu::DistanceTransform(mask, grid, options, out);
  return out;
}

double Ulps(float a, float b) {
  if (a == b) return 0;
  return std::abs(static_cast<double>(std::bit_cast<int32_t>(a)) -
                  static_cast<double>(std::bit_cast<int32_t>(b)));
}

// Returns whether the O(n^2) reference is affordable for a grid; otherwise it is left out.
bool Affordable(const Grid& grid) { return grid.Pixels() * grid.Pixels() * grid.batch <= 100'000'000; }

}  // namespace

TEST(DistanceEqualsReference) {
  for (const Grid& grid : Grids()) {
    if (!Affordable(grid)) continue;
    uint64_t seed = 1;
    for (const double density : kDensities) {
      const auto mask = RandomMask(grid.Count(), density, ++seed);
      for (const auto& spacing : Spacings()) {
        const bool unit = spacing[0] == 1;
        for (const bool squared : {false, true}) {
          const auto out = Transform(mask, grid, {spacing, squared, NoZero::kInfinity});
          for (int64_t n = 0; n < grid.batch; ++n) {
            const auto expected = reference::SquaredDistances(mask.data() + n * grid.Pixels(), grid, spacing);
            for (int64_t i = 0; i < grid.Pixels(); ++i) {
              const double square = expected[static_cast<size_t>(i)];
              const auto want = static_cast<float>(squared ? square : std::sqrt(square));
              const float got = out[static_cast<size_t>(n * grid.Pixels() + i)];
              CHECK(unit ? got == want : Ulps(got, want) <= 2, "size ", grid.size[0], "x", grid.size[1], "x",
                    grid.size[2], " rank ", grid.rank, " density ", density, " pixel ", i, ": ", got, " not ",
                    want);
            }
          }
        }
      }
    }
  }
}

// Long lines with far sites exercise the coarse search, which the small grids never need.
TEST(DistanceOnLongLines) {
  for (const auto& size :
       {std::vector<int64_t>{211, 307}, {3, 130, 259}, {2000, 1}, {1, 1500}, {40, 5, 300}}) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {-1.0, 0.999, 0.99, 0.5}) {
      auto mask = RandomMask(grid.Count(), density < 0 ? -1 : density, 7);
      if (density < 0) {
        for (auto& value : mask) value = !value;
      }
      for (const auto& spacing : Spacings()) {
        // Distances to each zero in turn, like the reference but without its list of all pairs in memory.
        const auto out = Transform(mask, grid, {spacing, true, NoZero::kInfinity});
        if (std::count(mask.begin(), mask.end(), 0) > 2000) continue;
        const auto expected = reference::SquaredDistances(mask.data(), grid, spacing);
        for (size_t i = 0; i < out.size(); ++i) {
          CHECK(Ulps(out[i], static_cast<float>(expected[i])) <= (spacing[0] == 1 ? 0 : 2), "size ", size[0],
                "x", size[1], " density ", density, " pixel ", i, ": ", out[i], " not ", expected[i]);
        }
      }
    }
  }
}

// The alternating pattern makes neighbouring lanes disagree most about their nearest zero.
TEST(DistanceOfAlternatingEnds) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{40, 200});
  std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
  for (size_t row = 0; row < 40; ++row) mask[row * 200 + (row % 2 ? 199 : 0)] = 0;
  const auto expected = reference::SquaredDistances(mask.data(), grid, {1, 1, 1});
  const auto out = Transform(mask, grid, {.squared = true});
  for (size_t i = 0; i < out.size(); ++i) CHECK(out[i] == static_cast<float>(expected[i]), i);
}

TEST(DistanceWithoutZeroFollowsPolicy) {
  for (const auto& size : {std::vector<int64_t>{4}, {1, 4}, {3, 5}, {2, 3, 4}, {1, 1, 3}}) {
    const Grid grid = MakeGrid(2, size);
    std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
    mask[0] = 0;  // the first image has a zero, the second has none
    const auto dhw = grid.DepthHeightWidth();
    for (const auto& spacing : Spacings()) {
      const auto point = Transform(mask, grid, {.spacing = spacing, .no_zero = NoZero::kReference});
      const auto none = Transform(mask, grid, {.spacing = spacing});
      for (int64_t i = 0; i < grid.Pixels(); ++i) {
        const auto p = reference::At(dhw, i);
        std::array<double, 3> steps{static_cast<double>(p.z), static_cast<double>(p.y),
                                    static_cast<double>(p.x)};
        steps[3 - grid.rank] += 1;
        double square = 0;
        for (int axis = 0; axis < grid.rank; ++axis)
          square += std::pow(steps[3 - grid.rank + axis] * spacing[axis], 2);
        const auto at = static_cast<size_t>(grid.Pixels() + i);
        CHECK(Ulps(point[at], static_cast<float>(std::sqrt(square))) <= 1, point[at], " not ",
              std::sqrt(square));
        CHECK(std::isinf(none[at]));
      }
    }
  }
}

TEST(DistanceIsTheSameAtAnyThreadCount) {
  for (const auto& size : {std::vector<int64_t>{1000}, {150, 170}, {20, 60, 70}}) {
    const Grid grid = MakeGrid(2, size);
    const auto mask = RandomMask(grid.Count(), 0.97, 3);
    for (const auto& spacing : Spacings()) {
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 2, 3}) {
        SetThreadCount(threads);
        results.push_back(Transform(mask, grid, {.spacing = spacing}));
      }
      CHECK(results[0] == results[1] && results[0] == results[2]);
    }
  }
}

TEST(DistanceUsesWiderIntegersWhenNeeded) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{2, 40000});
  std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
  mask[0] = 0;
  const auto out = Transform(mask, grid, {});
  for (const int64_t x : {1, 46340 - 20000, 39999}) {
    CHECK(out[static_cast<size_t>(x)] == static_cast<float>(x));
    CHECK(out[static_cast<size_t>(40000 + x)] ==
          static_cast<float>(std::sqrt(static_cast<double>(x * x + 1))));
  }
}

TEST(DistanceRejectsBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{3});
  std::vector<uint8_t> mask(3, 1);
  std::vector<float> out(3), few(2);
  CHECK_THROWS(cpu::DistanceTransform(mask, MakeGrid(1, std::array<int64_t, 1>{4}), {}, out),
               "mask: expected 4");
  CHECK_THROWS(cpu::DistanceTransform(mask, grid, {}, few), "out: expected 3");
  CHECK_THROWS(cpu::DistanceTransform(mask, grid, {.spacing = {0, 1, 1}}, out), "spacing: expected");
  CHECK_THROWS(MakeGrid(0, std::array<int64_t, 1>{3}), "batch: expected");
  CHECK_THROWS(MakeGrid(1, std::array<int64_t, 1>{0}), "size: expected");
  CHECK_THROWS(MakeGrid(1, std::vector<int64_t>(4, 2)), "size: expected 1 to 3");
  CHECK_THROWS(MakeGrid(1, std::vector<int64_t>(3, int64_t{1} << 31)), "size: expected at most 2^63 - 1");
}
