#include "components/centerline.h"

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "morphology/packed_mask.h"
#include "reference.h"

using namespace pixelcal;

namespace {

using Mask = std::vector<uint8_t>;

// Returns the least or the largest value of the neighbours that differ along at most `axes` axes.
Mask Filtered(const Mask& mask, const Grid& grid, int axes, bool least) {
  const auto dhw = grid.DepthHeightWidth();
  Mask out = mask;
  for (int64_t i = 0; i < grid.Pixels(); ++i)
    for (int64_t j = 0; j < grid.Pixels(); ++j) {
      const auto p = reference::At(dhw, i), q = reference::At(dhw, j);
      const int64_t d[3] = {std::abs(p.z - q.z), std::abs(p.y - q.y), std::abs(p.x - q.x)};
      if (d[0] > 1 || d[1] > 1 || d[2] > 1 || d[0] + d[1] + d[2] > axes) continue;
      out[i] = least ? std::min(out[i], mask[j]) : std::max(out[i], mask[j]);
    }
  return out;
}

// As the paper's soft skeleton does with values of 0 and 1, for as many iterations as change anything.
Mask SoftSkeleton(Mask mask, const Grid& grid) {
  Mask skeleton(mask.size(), 0);
  for (int layer = 0; layer < 140; ++layer) {
    const Mask eroded = Filtered(mask, grid, 1, true), opened = Filtered(eroded, grid, 3, false);
    for (size_t i = 0; i < mask.size(); ++i) {
      const int delta = std::max(0, mask[i] - opened[i]);
      skeleton[i] = static_cast<uint8_t>(skeleton[i] + std::max(0, delta - skeleton[i] * delta));
    }
    mask = eroded;
  }
  return skeleton;
}

}  // namespace

TEST(SkeletonsAreThoseOfTheDefinition) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{70}, {9, 13}, {5, 130}, {6, 64}, {5, 7, 9}}) {
    const Grid grid = MakeGrid(1, size);
    for (const double density : {0.0, 1.0, 0.5, 0.9, 0.97}) {
      const auto mask = test::RandomMask(grid.Count(), density, ++seed);
      const Mask expected = SoftSkeleton(mask, grid);
      std::vector<uint64_t> packed(static_cast<size_t>(PackedWords(grid)));
      cpu::PackMask(mask, grid, packed);
      test::EverywhereAtAnyThreadCount([&] {
        Mask out(mask.size());
        cpu::UnpackMask(internal::Skeleton(packed.data(), grid.DepthHeightWidth()), grid, out);
        CHECK(out == expected, "seed ", seed);
      });
    }
  }
}

TEST(CenterlinesCountWhatTheOtherMapHas) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{5, 9});
  std::vector<uint8_t> truth(45, 0), predicted(45, 0);
  for (int x = 0; x < 9; ++x) {
    for (int y = 1; y < 4; ++y) truth[y * 9 + x] = 1;  // a bar, of which the middle row is the centreline
    if (x < 6) predicted[2 * 9 + x] = 1;
  }
  predicted[0] = 1;
  LesionOptions options;
  options.classes = 2;
  options.regions = {{1}};
  const auto counts =
      cpu::Centerlines(std::span<const uint8_t>(predicted), std::span<const uint8_t>(truth), grid, options);
  CHECK(counts.size() == 1 && counts[0].predicted == 7 && counts[0].predicted_shared == 6);
  CHECK(counts[0].truth == 9 && counts[0].truth_shared == 6, counts[0].truth, " ", counts[0].truth_shared);
}
