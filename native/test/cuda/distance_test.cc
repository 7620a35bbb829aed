#include "distance/distance.h"

#include <cmath>

#include "cuda_test.h"

using namespace pixelcal;
using pixelcal::test::kDensities;
using pixelcal::test::RandomMask;
using pixelcal::test::Spacings;

namespace {

void CheckEqual(const std::vector<uint8_t>& mask, const Grid& grid, const DistanceOptions& options) {
  std::vector<float> expected(mask.size()), out(mask.size(), -1.0f);
  cpu::DistanceTransform(mask, grid, options, expected);
  cuda::DistanceTransform(mask, grid, options, out);
  for (size_t i = 0; i < out.size(); ++i) {
    const bool unit = options.spacing[0] == 1;
    const bool equal =
        unit ? out[i] == expected[i]
             : out[i] == expected[i] || std::abs(out[i] - expected[i]) <= 2.5e-7f * std::abs(expected[i]);
    CHECK(equal, "size ", grid.size[0], "x", grid.size[1], "x", grid.size[2], " rank ", grid.rank, " pixel ",
          i, ": ", out[i], " not ", expected[i]);
    if (!equal) return;
  }
}

std::vector<Grid> FewGrids() {
  std::vector<Grid> grids;
  for (const auto& size : {std::vector<int64_t>{1},
                           {33},
                           {1, 1},
                           {1, 17},
                           {16, 1},
                           {7, 3},
                           {33, 70},
                           {65, 32},
                           {1, 1, 3},
                           {3, 1, 5},
                           {2, 3, 1},
                           {5, 33, 34},
                           {34, 7, 40}})
    grids.push_back(MakeGrid(1 + static_cast<int64_t>(grids.size()) % 3, size));
  return grids;
}

}  // namespace

CUDA_TEST(DistanceEqualsCpu) {
  uint64_t seed = 1;
  for (const Grid& grid : FewGrids()) {
    for (const double density : kDensities) {
      const auto mask = RandomMask(grid.Count(), density, ++seed);
      CheckEqual(mask, grid, {.no_zero = NoZero::kReference});
      CheckEqual(mask, grid, {Spacings()[1], true, NoZero::kInfinity});
    }
  }
}

// Far zeros exercise the minimisers; few lines per block, one line, and lines that do not fit into shared
// memory.
CUDA_TEST(DistanceOnLongLines) {
  for (const auto& size :
       {std::vector<int64_t>{70, 301}, {2, 12500}, {66000, 2}, {2, 259, 12}, {2, 6200, 3}}) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {-1.0, 0.99}) {
      auto mask = RandomMask(grid.Count(), density, 7);
      if (density < 0)
        for (auto& value : mask) value = !value;
      if (density < 0)
        CheckEqual(mask, grid, {.squared = true});
      else
        CheckEqual(mask, grid, {.spacing = {1.5, 0.7, 2}});
    }
  }
}

// Squares beyond 32 bits.
CUDA_TEST(DistanceOfHugeSizes) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{26500, 2});
  std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
  mask[1] = 0;
  CheckEqual(mask, grid, {});
  CheckEqual(mask, grid, {.squared = true});
}

CUDA_TEST(DistanceOfAlternatingEnds) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{40, 200});
  std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
  for (size_t row = 0; row < 80; ++row) mask[row * 200 + (row % 2 ? 199 : 0)] = 0;
  CheckEqual(mask, grid, {.squared = true});
}

// Several pieces, each transferred while another is computed.
CUDA_TEST(DistanceInPieces) {
  const size_t before = cuda::PieceBytes();
  for (const int64_t batch : {1, 2, 5, 8}) {
    const Grid grid = MakeGrid(batch, std::array<int64_t, 2>{21, 34});
    cuda::SetPieceBytes(2 * 5 * 21 * 34);
    CheckEqual(RandomMask(grid.Count(), 0.9, 3), grid, {});
  }
  cuda::SetPieceBytes(before);
}

CUDA_TEST(DistanceRejectsBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{2, 3});
  std::vector<uint8_t> mask(6);
  std::vector<float> out(6);
  CHECK_THROWS(cuda::DistanceTransform(std::span(mask).first(5), grid, {}, out), "mask: expected 6");
  CHECK_THROWS(cuda::DistanceTransform(mask, grid, {}, std::span(out).first(5)), "out: expected 6");
  CHECK_THROWS(cuda::DistanceTransform(mask, grid, {.spacing = {0, 1, 1}}, out), "spacing: expected");
}
