#include "base/parallel.h"
#include "cases.h"
#include "check.h"
#include "distance/distance.h"
#include "distance/edt.h"
#include "isa.h"
#include "reference.h"

using namespace pixelcal;
using pixelcal::test::RandomMask;

namespace {

using Mask = std::vector<uint8_t>;

std::string Name(const Grid& grid) {
  std::ostringstream name;
  for (int axis = 0; axis < grid.rank; ++axis) name << (axis ? "x" : "") << grid.size[axis];
  return name.str();
}

Mask WithZeros(const Grid& grid, const std::vector<int64_t>& zeros) {
  Mask mask(static_cast<size_t>(grid.Pixels()), 1);
  for (const int64_t i : zeros) mask[static_cast<size_t>(i)] = 0;
  return mask;
}

// Checks both results of the transform under every instruction set and several thread counts.
void CheckTransform(const Mask& mask, const Grid& grid, const char* what) {
  const auto squares = reference::SquaredDistances(mask.data(), grid, {1, 1, 1});
  std::vector<float> out(mask.size());
  test::EverywhereAtAnyThreadCount([&] {
    for (const bool squared : {false, true}) {
      cpu::DistanceTransform(mask, grid, {.squared = squared, .no_zero = NoZero::kInfinity}, out);
      size_t wrong = 0, first = 0;
      for (size_t i = 0; i < out.size(); ++i) {
        const auto want = static_cast<float>(squared ? squares[i] : std::sqrt(squares[i]));
        if (out[i] != want && wrong++ == 0) first = i;
      }
      CHECK(wrong == 0, what, " ", Name(grid), " squared ", squared, " isa ", static_cast<int>(ActiveIsa()),
            " threads ", ThreadCount(), ": ", wrong, " wrong, at ", first, " ", out[first], " not ",
            squared ? squares[first] : std::sqrt(squares[first]));
    }
  });
}

// Computes the squares of one image, one round of tasks after the other.
std::vector<int32_t> Squares(const internal::GridDistance& transform, const Mask& bytes,
                             const uint8_t* wanted) {
  const internal::Sites sites{bytes.data(), 0, false};
  std::vector<int32_t> squares(bytes.size(), -1);
  for (int64_t i = 0; i < transform.sweeps(); ++i) transform.Sweep(sites, i, squares.data());
  for (int64_t i = 0; i < transform.bands(); ++i)
    transform.Finish(sites, i, internal::Form::kInteger, squares.data(), wanted);
  return squares;
}

}  // namespace

// Sizes around widths of vectors, tiles and strips.
TEST(GridDistanceAtBorders) {
  uint64_t seed = 1;
  for (const int64_t rows : {2, 15, 17, 31, 32, 33, 64, 65}) {
    for (const int64_t columns : {2, 8, 15, 16, 17, 31, 33, 63, 64, 65, 129}) {
      const Grid grid = MakeGrid(1, std::array{rows, columns});
      const int64_t pixels = grid.Pixels();
      CheckTransform(RandomMask(pixels, 0.5, ++seed), grid, "half");
      CheckTransform(RandomMask(pixels, 0.99, ++seed), grid, "few zeros");
      CheckTransform(WithZeros(grid, {static_cast<int64_t>(seed * 7919) % pixels}), grid, "one zero");
    }
  }
  for (const auto& size : {std::array<int64_t, 3>{2, 17, 33},
                           {5, 31, 16},
                           {3, 65, 15},
                           {33, 2, 31},
                           {2, 33, 2},
                           {4, 8, 64},
                           {16, 15, 17}}) {
    const Grid grid = MakeGrid(1, size);
    const int64_t pixels = grid.Pixels();
    CheckTransform(RandomMask(pixels, 0.5, ++seed), grid, "half");
    CheckTransform(RandomMask(pixels, 0.995, ++seed), grid, "few zeros");
    CheckTransform(WithZeros(grid, {0}), grid, "first zero");
    CheckTransform(WithZeros(grid, {pixels - 1}), grid, "last zero");
  }
}

// The ends of bytes and 16-bit numbers: steps of 253 to 256 and squares about 65535, along each axis.
TEST(GridDistanceWhereNumbersEnd) {
  for (const auto& size : {std::vector<int64_t>{600},
                           {3, 600},
                           {600, 3},
                           {300, 20},
                           {20, 300},
                           {260, 70},
                           {253, 2, 3},
                           {254, 2, 3},
                           {255, 2, 3},
                           {256, 2, 17},
                           {257, 3, 2},
                           {300, 17, 20},
                           {2, 300, 20},
                           {3, 20, 300},
                           {2, 257, 9},
                           {40, 256, 40}}) {
    const Grid grid = MakeGrid(1, size);
    const int64_t pixels = grid.Pixels();
    CheckTransform(WithZeros(grid, {0}), grid, "first zero");
    CheckTransform(WithZeros(grid, {pixels - 1}), grid, "last zero");
    CheckTransform(WithZeros(grid, {pixels / 2, pixels / 3}), grid, "two zeros");
  }
  // Not all squares of 2^24 and more are floats.
  for (const auto& size : {std::vector<int64_t>{2, 4600}, {4600, 3}, {2, 4600, 2}, {4600, 2, 2}}) {
    const Grid grid = MakeGrid(1, size);
    CheckTransform(WithZeros(grid, {1}), grid, "far");
  }
}

// In double: other spacings, and axes too long for integers. The same bits everywhere.
TEST(GridDistanceInDoubles) {
  const std::array<double, 3> unit{1, 1, 1};
  uint64_t seed = 40;
  for (const auto& size : {std::vector<int64_t>{600},
                           {2, 600},
                           {17, 33},
                           {300, 20},
                           {33, 65},
                           {5, 31, 16},
                           {254, 3, 4},
                           {255, 4, 3},
                           {9, 40, 35},
                           {66000, 2},
                           {65536, 1, 2},
                           {2, 30000}}) {
    const Grid grid = MakeGrid(1, size);
    const int64_t pixels = grid.Pixels();
    const bool is_long = pixels > 20000;
    for (const auto& spacing : {std::array<double, 3>{3, 2, 1.5}, {0.85, 2.25, 0.85}, unit}) {
      if (spacing == unit && !is_long) continue;
      for (const Mask& mask :
           {WithZeros(grid, {pixels / 3}), RandomMask(pixels, is_long ? 0.9999 : 0.97, ++seed)}) {
        if (std::count(mask.begin(), mask.end(), 0) == 0) continue;
        const auto squares = reference::SquaredDistances(mask.data(), grid, spacing);
        std::vector<float> first;
        test::EverywhereAtAnyThreadCount([&] {
          std::vector<float> out(mask.size());
          cpu::DistanceTransform(mask, grid, {.spacing = spacing}, out);
          if (first.empty()) first = out;
          CHECK(out == first, Name(grid), " isa ", static_cast<int>(ActiveIsa()), " threads ", ThreadCount());
        });
        for (size_t i = 0; i < first.size(); ++i) {
          const double want = std::sqrt(squares[i]);
          CHECK(std::abs(first[i] - want) <= want * 0x1p-23, Name(grid), " ", i, ": ", first[i], " not ",
                want);
        }
      }
    }
  }
}

// These patterns make neighbouring lanes disagree most about their nearest zero.
TEST(GridDistanceOfAlternatingEnds) {
  Mask mask = WithZeros(MakeGrid(1, std::array<int64_t, 2>{40, 200}), {});
  for (size_t row = 0; row < 40; ++row) mask[row * 200 + (row % 2 ? 199 : 0)] = 0;
  CheckTransform(mask, MakeGrid(1, std::array<int64_t, 2>{40, 200}), "rows");
  const Grid volume = MakeGrid(1, std::array<int64_t, 3>{3, 70, 66});
  mask = WithZeros(volume, {});
  for (size_t i = 0; i < mask.size(); ++i) {
    const size_t y = i / 66 % 70;
    if (y == (i % 66 % 2 ? 69 : 0)) mask[i] = 0;
  }
  CheckTransform(mask, volume, "columns");
}

// A batch mixes images that need 32 bits with others, and images without any zero.
TEST(GridDistanceOfBatches) {
  const Grid one = MakeGrid(1, std::array<int64_t, 2>{33, 290}),
             grid = MakeGrid(4, std::array<int64_t, 2>{33, 290});
  std::vector<Mask> masks{WithZeros(one, {5}), RandomMask(one.Pixels(), 0.7, 3), WithZeros(one, {}),
                          WithZeros(one, {289})};
  Mask all;
  for (const Mask& mask : masks) all.insert(all.end(), mask.begin(), mask.end());
  std::vector<float> out(all.size());
  test::EverywhereAtAnyThreadCount([&] {
    cpu::DistanceTransform(all, grid, {.squared = true, .no_zero = NoZero::kInfinity}, out);
    for (size_t image = 0; image < masks.size(); ++image) {
      const auto want = reference::SquaredDistances(masks[image].data(), one, {1, 1, 1});
      for (size_t i = 0; i < want.size(); ++i)
        CHECK(out[image * want.size() + i] == static_cast<float>(want[i]), image, " ", i);
    }
  });
}

TEST(GridDistanceOnlyWhereWanted) {
  for (const auto& size : {std::vector<int64_t>{70, 50},
                           {290, 40},
                           {1, 70, 50},
                           {
                               3,
                               40,
                               1,
                           },
                           {5, 40, 35},
                           {9}}) {
    const Grid grid = MakeGrid(1, size);
    const auto pixels = static_cast<size_t>(grid.Pixels());
    Mask bytes = RandomMask(grid.Pixels(), 0.02, 5), zeros(pixels),
         want_pixel = RandomMask(grid.Pixels(), 0.01, 6);
    bytes[pixels / 2] = 9;
    for (size_t i = 0; i < pixels; ++i) zeros[i] = bytes[i] == 0;
    const auto squares = reference::SquaredDistances(zeros.data(), grid, {1, 1, 1});
    test::ForEachIsa([&] {
      const internal::GridDistance transform(grid, {1, 1, 1});
      Mask wanted(static_cast<size_t>(transform.tiles()), 0);
      for (size_t i = 0; i < pixels; ++i)
        if (want_pixel[i]) wanted[static_cast<size_t>(transform.Tile(static_cast<int64_t>(i)))] = 1;
      const auto all = Squares(transform, bytes, nullptr), some = Squares(transform, bytes, wanted.data());
      for (size_t i = 0; i < pixels; ++i) {
        CHECK(all[i] == static_cast<int32_t>(squares[i]), Name(grid), " ", i, ": ", all[i]);
        if (want_pixel[i]) CHECK(some[i] == all[i], Name(grid), " ", i, ": ", some[i], " not ", all[i]);
      }
    });
  }
}

TEST(GridDistanceUsesIntegersWhereTheyFit) {
  const auto integers = [](std::vector<int64_t> size, std::array<double, 3> spacing) {
    return internal::GridDistance(MakeGrid(1, size), spacing).integers();
  };
  CHECK(integers({512, 512, 512}, {1, 1, 1}));
  CHECK(integers({1, 30, 40}, {5, 1, 1}), "an axis of size 1 adds nothing");
  CHECK(!integers({2, 30, 40}, {5, 1, 1}));
  CHECK(integers({26457}, {1, 1, 1}) && !integers({26458}, {1, 1, 1}), "26458^2 is more than 7e8");
  // With more than 2^31 pixels: the arithmetic of sizes and tiles.
  const Grid grid = MakeGrid(1, std::array<int64_t, 3>{1500, 1500, 1500});
  const internal::GridDistance transform(grid, {1, 1, 1});
  CHECK(transform.band_begin(transform.bands()) == int64_t{1500} * 1500 * 1500);
  CHECK(transform.Tile(grid.Pixels() - 1) == transform.tiles() - 1);
}

TEST(GridDistanceNearBordersAloneIsRightUpToTheLimit) {
  uint64_t seed = 7;
  for (const auto& size : std::vector<std::vector<int64_t>>{{300}, {90, 130}, {200, 33}, {9, 70, 70}}) {
    const Grid grid = MakeGrid(1, size);
    for (const std::array<double, 3>& spacing : {std::array<double, 3>{1, 1, 1}, {2.5, 0.7, 1.3}}) {
      const internal::GridDistance transform(grid, spacing);
      // A small region, a few pixels and noise.
      for (const int kind : {0, 1, 2}) {
        const int64_t pixels = grid.Pixels();
        Mask bytes = kind == 2 ? RandomMask(pixels, 0.5, ++seed) : Mask(static_cast<size_t>(pixels), 1);
        for (const int64_t at : {pixels / 3, pixels / 2 + 7})
          for (int64_t i = 0; i < (kind == 0 ? 12 : 1); ++i) bytes[static_cast<size_t>(at + i)] = 0;
        std::vector<float> exact(bytes.size());
        cpu::DistanceTransform(bytes, grid, {.spacing = spacing, .no_zero = NoZero::kInfinity}, exact);
        for (const double limit : {0.0, 1.0, 4.5, 20.0, 1e9}) {
          test::EverywhereAtAnyThreadCount([&] {
            std::vector<uint8_t> near(static_cast<size_t>(transform.tiles()));
            const int32_t reach = transform.MarkNear(bytes.data(), limit, near.data());
            const internal::Sites sites{bytes.data(), 0, true};
            std::vector<float> found(bytes.size());
            for (int64_t i = 0; i < transform.sweeps(); ++i) transform.Sweep(sites, i, found.data());
            for (int64_t i = 0; i < transform.bands(); ++i)
              transform.FinishNear(sites, i, near.data(), reach, found.data());
            int64_t wrong = 0, far = 0;
            for (size_t i = 0; i < found.size(); ++i) {
              if (found[i] == exact[i]) continue;
              // Pixels of the region itself lie at 0, but their tile may be far from its border.
              const bool beyond = exact[i] > limit || bytes[i] == 0;
              (found[i] > limit && beyond ? far : wrong) += 1;
            }
            CHECK(wrong == 0, Name(grid), " kind ", kind, " limit ", limit, ": ", wrong, " wrong");
            if (kind < 2 && limit <= 1 && grid.rank == 2) CHECK(far > 0, Name(grid), " limit ", limit);
          });
        }
      }
    }
  }
}
