#include "components/components.h"

#include <set>

#include "cases.h"
#include "check.h"
#include "components/runs.h"
#include "isa.h"
#include "morphology/packed_mask.h"
#include "reference.h"

using namespace pixelcal;

namespace {

// Fills from every unvisited pixel in order, over all neighbours that the definition names.
std::vector<int32_t> Flood(const std::vector<uint8_t>& mask, const Grid& grid, int connectivity,
                           int64_t image) {
  const auto dhw = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels();
  std::vector<int32_t> labels(static_cast<size_t>(pixels), 0);
  int32_t last = 0;
  for (int64_t first = 0; first < pixels; ++first) {
    if (!mask[image * pixels + first] || labels[first]) continue;
    std::vector<int64_t> open{first};
    labels[first] = ++last;
    while (!open.empty()) {
      const auto p = reference::At(dhw, open.back());
      open.pop_back();
      for (int64_t j = 0; j < pixels; ++j) {
        const auto q = reference::At(dhw, j);
        const int64_t d[3] = {std::abs(p.z - q.z), std::abs(p.y - q.y), std::abs(p.x - q.x)};
        if (d[0] > 1 || d[1] > 1 || d[2] > 1 || d[0] + d[1] + d[2] > connectivity) continue;
        if (!mask[image * pixels + j] || labels[j]) continue;
        labels[j] = last;
        open.push_back(j);
      }
    }
  }
  return labels;
}

}  // namespace

TEST(ConnectedComponentsEqualAFloodFill) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{1}, {70}, {7, 1}, {9, 13}, {5, 130}, {3, 5, 4}, {4, 3, 67}}) {
    const Grid grid = MakeGrid(2, size);
    for (const double density : test::kDensities) {
      for (int connectivity = 1; connectivity <= 3; ++connectivity) {
        auto mask = test::RandomMask(grid.Count(), density, ++seed);
        for (auto& value : mask) value = static_cast<uint8_t>(value * 200);
        std::vector<int32_t> expected, out(mask.size(), -1);
        std::vector<double> counts(2), numbers;
        for (int64_t image = 0; image < 2; ++image) {
          const auto labels = Flood(mask, grid, connectivity, image);
          numbers.push_back(*std::max_element(labels.begin(), labels.end()));
          expected.insert(expected.end(), labels.begin(), labels.end());
        }
        test::EverywhereAtAnyThreadCount([&] {
          cpu::ConnectedComponents(mask, grid, connectivity, out, counts);
          CHECK(out == expected && counts == numbers, "seed ", seed, " connectivity ", connectivity);
        });
      }
    }
  }
}

TEST(GrownMasksHoldWhatDiffersAlongTwoAxes) {
  for (const auto& size : {std::vector<int64_t>{4, 5, 66}, {6, 7}}) {
    const Grid grid = MakeGrid(1, size);
    const auto dhw = grid.DepthHeightWidth();
    auto mask = test::RandomMask(grid.Count(), 0.02, 3);
    std::vector<uint64_t> packed(static_cast<size_t>(PackedWords(grid)));
    cpu::PackMask(mask, grid, packed);
    const auto grown = internal::Grown(packed.data(), dhw, 2);
    for (int time = 0; time < 2; ++time) {
      const auto before = mask;
      for (int64_t i = 0; i < grid.Pixels(); ++i)
        for (int64_t j = 0; j < grid.Pixels(); ++j) {
          const auto p = reference::At(dhw, i), q = reference::At(dhw, j);
          const int64_t d[3] = {std::abs(p.z - q.z), std::abs(p.y - q.y), std::abs(p.x - q.x)};
          if (before[j] && d[0] <= 1 && d[1] <= 1 && d[2] <= 1 && d[0] + d[1] + d[2] <= 2) mask[i] = 1;
        }
    }
    std::vector<uint8_t> unpacked(mask.size());
    cpu::UnpackMask(grown, grid, unpacked);
    CHECK(unpacked == mask);
  }
}

TEST(LesionsHaveTheirSizesPlacesAndShares) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{3, 8});
  // Two true lesions, of which a gap of one pixel parts two pixels; one predicted across the gap, one apart.
  const std::vector<uint8_t> truth{1, 1, 0, 1, 0, 0, 0, 0,  //
                                   0, 0, 0, 0, 0, 0, 0, 0,  //
                                   0, 0, 0, 0, 0, 0, 9, 9};
  const std::vector<uint8_t> predicted{0, 1, 1, 1, 0, 0, 0, 1,  //
                                       0, 0, 0, 0, 0, 0, 0, 1,  //
                                       1, 0, 0, 0, 0, 0, 1, 1};
  std::vector<float> probs(48, 0.25f);
  std::fill(probs.begin() + 24, probs.end(), 0.75f);
  probs[24 + 16] = 1;
  LesionOptions options;
  options.classes = 2;
  options.regions = {{1}};
  options.ignore = 9;
  const LabelSpan a = std::span<const uint8_t>(predicted), b = std::span<const uint8_t>(truth);
  const auto found = cpu::FindLesions(a, b, std::span<const float>(probs), grid, options);
  CHECK(found.size() == 1);
  const LesionTable& table = found[0];
  CHECK(table.truth.size() == 2 && table.predicted.size() == 3);
  CHECK(table.truth[0].size == 2 && table.truth[0].hits == 1 && table.truth[1].hits == 1);
  CHECK(table.predicted[0].size == 3 && table.predicted[0].hits == 2);
  CHECK(table.predicted[1].size == 2 && table.predicted[1].hits == 0);  // without the ignored pixels
  CHECK((table.predicted[1].centroid == std::array<double, 3>{0, 0.5, 7}));
  CHECK(table.predicted[0].confidence == 2.25 && table.predicted[2].confidence == 1);
  CHECK(table.count[7] == 5 && table.accuracy[7] == 2 && table.confidence[7] == 3.75 && table.count[9] == 1);
  CHECK(table.pairs.size() == 2);
  CHECK(table.pairs[1].predicted == 0 && table.pairs[1].truth == 1 && table.pairs[1].shared == 1);

  options.grow = 1;  // now both true components touch
  const LesionTable grown = cpu::FindLesions(a, b, FloatSpan(), grid, options)[0];
  CHECK(grown.truth.size() == 1 && grown.truth[0].size == 3 && grown.truth[0].hits == 2);
  CHECK(grown.pairs.size() == 1 && grown.pairs[0].shared == 2 && grown.count.empty());

  std::vector<std::vector<LesionGroup>> groups{{{{0}, {0}}, {{}, {0}}}};
  SurfaceOptions surfaces;
  surfaces.convention = SurfaceConvention::kMonai;
  const auto measures = cpu::LesionSurfaces(a, b, grid, options, groups, surfaces);
  CHECK(measures.size() == 2 && measures[0].hd == 1 && std::isinf(measures[1].hd));
}
