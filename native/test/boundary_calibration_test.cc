#include "boundary_calibration_twin.h"
#include "check.h"
#include "histogram_twin.h"
#include "isa.h"

using namespace pixelcal;

namespace {

const std::vector<double> kRings{-3, -1, 0, 1, 1.5, 4};

test::RingSums Rings(const ProbabilityMaps& maps, const Grid& grid,
                     const BoundaryCalibrationOptions& options) {
  test::RingSums sums(test::RingCount(options, maps.classes), options.bins);
  cpu::BoundaryCalibration(maps, grid, options, sums.Spans());
  return sums;
}

}  // namespace

TEST(BoundaryCalibrationEqualsTheDefinition) {
  unsigned seed = 0;
  for (const auto& size : {std::vector<int64_t>{1}, {17}, {9, 16}, {33, 20}, {3, 7, 16}}) {
    const Grid grid = MakeGrid(2, size);
    for (const int64_t classes : {1, 2, 4}) {
      ++seed;
      const auto made = test::MakeCase(2, classes, grid.Pixels(), seed, seed % 3 == 0);
      for (int variant = 0; variant < 8; ++variant) {
        const ProbabilityMaps maps = made.Maps(variant % 3 == 0, false);
        const int bins = variant % 2 ? 15 : 10;
        const auto edges = test::Linspace(bins);
        BoundaryCalibrationOptions options;
        options.score = static_cast<Score>(variant % 3);
        options.only = options.score == Score::kClasses && variant > 3 ? classes - 1 : -1;
        options.label_boundary = variant == 5 || variant == 6;
        options.closed = variant % 4 < 2 ? BinEdges::kRightClosed : BinEdges::kLeftClosed;
        options.bins = bins;
        options.edges = edges;
        if (variant != 7) options.rings = kRings;
        if (variant == 2 || variant == 6) options.spacing = {2.25, 0.85, 1.1};
        const auto expected = test::RingTwin(maps, grid, options);
        const auto sums = Rings(maps, grid, options);
        CHECK(test::SameRings(sums, expected, grid.Count()), "seed ", seed, " variant ", variant);
        test::EverywhereAtAnyThreadCount(
            [&] { CHECK(Rings(maps, grid, options) == sums, "other bits, seed ", seed); });
      }
    }
  }
}

TEST(BoundaryCalibrationOfManyBlocksHasTheSameBitsAtAnyThreadCount) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{600, 700});
  const auto made = test::MakeCase(1, 2, grid.Pixels(), 5);
  const auto edges = test::Linspace(10);
  BoundaryCalibrationOptions options;
  options.edges = edges;
  options.rings = kRings;
  const ProbabilityMaps maps = made.Maps(false, false);
  const auto sums = Rings(maps, grid, options);
  double counted = 0, labelled = 0;
  for (const double count : sums.count) counted += count;
  for (const int32_t label : made.labels) labelled += label != test::ProbabilityCase::kIgnored;
  CHECK(counted == labelled);
  test::EverywhereAtAnyThreadCount([&] { CHECK(Rings(maps, grid, options) == sums); });
}

// Rings near a few borders, between which distances do not matter, and pixels of two classes alone.
TEST(BoundaryCalibrationOfLargeRegionsEqualsTheDefinition) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{70, 100});
  for (const unsigned seed : {1u, 2u}) {
    auto made = test::MakeCase(1, 2, grid.Pixels(), seed, seed == 2);
    for (int64_t i = 0; i < grid.Pixels(); ++i) {
      const bool inside = i % 100 > 70 && i / 100 > 45;
      const auto at = static_cast<size_t>(i), other = at + static_cast<size_t>(grid.Pixels());
      if (made.labels[at] < 0) made.labels[at] = 0;
      if ((made.probs[other] > made.probs[at]) == inside) continue;
      std::swap(made.probs[at], made.probs[other]);
      if (seed == 2) std::swap(made.halves[at], made.halves[other]);
    }
    const ProbabilityMaps maps = made.Maps(false, false);
    ProbabilityMaps without = maps;
    without.ignore.reset();
    std::vector<uint8_t> winners;
    for (size_t i = 0; i < made.labels.size(); ++i)
      winners.push_back(made.probs[made.labels.size() + i] > made.probs[i]);
    for (const int bins : {10, 20, 40}) {
      const auto edges = test::Linspace(bins);
      BoundaryCalibrationOptions options;
      options.score = Score::kTopLabel;
      options.bins = bins;
      options.edges = edges;
      options.rings = kRings;
      const auto expected = test::RingTwin(maps, grid, options);
      test::EverywhereAtAnyThreadCount([&] {
        const auto sums = Rings(maps, grid, options);
        CHECK(test::SameRings(sums, expected, grid.Count()), "seed ", seed, " bins ", bins);
        CHECK(Rings(without, grid, options) == sums, "without ignored labels, seed ", seed);
        test::RingSums given(test::RingCount(options, 2), bins);
        cpu::BoundaryCalibration(without, grid, options, std::span<const uint8_t>(winners), given.Spans());
        CHECK(given == sums, "with the arg-max, seed ", seed);
      });
    }
  }
}

TEST(BoundaryCalibrationPutsAnImageWithoutABoundaryIntoTheOuterRings) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 1>{4});
  // The first image is background alone, the second foreground alone.
  const std::vector<float> probs{0.9f, 0.9f, 0.9f, 0.9f, 0.1f, 0.1f, 0.1f, 0.1f,
                                 0.2f, 0.2f, 0.2f, 0.2f, 0.8f, 0.8f, 0.8f, 0.8f};
  const std::vector<int32_t> labels{0, 0, 0, 1, 1, 1, 1, 1};
  const ProbabilityMaps maps{
      std::span<const float>(probs), std::span<const int32_t>(labels), 2, 2, 4, {}, {}, {}};
  const auto edges = test::Linspace(10);
  for (const Score score : {Score::kForeground, Score::kTopLabel}) {
    BoundaryCalibrationOptions options;
    options.score = score;
    options.edges = edges;
    options.rings = kRings;
    const auto sums = Rings(maps, grid, options);
    std::vector<double> counts;
    for (size_t ring = 0; ring <= kRings.size(); ++ring) {
      counts.push_back(0);
      for (size_t bin = 0; bin < 10; ++bin) counts.back() += sums.count[ring * 10 + bin];
    }
    CHECK(counts == (std::vector<double>{4, 0, 0, 0, 0, 0, 4}));
  }
}

TEST(BoundaryCalibrationRejectsWhatDoesNotFit) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{4});
  const auto made = test::MakeCase(1, 2, 4, 1);
  const auto edges = test::Linspace(10);
  const auto message = [&](auto change) {
    ProbabilityMaps maps = made.Maps(false, false);
    BoundaryCalibrationOptions options;
    options.edges = edges;
    options.rings = kRings;
    Grid changed = grid;
    change(maps, options, changed);
    try {
      Rings(maps, changed, options);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using Options = BoundaryCalibrationOptions;
  const std::vector<double> falling{1, 0};
  CHECK(message([&](auto&, Options& o, auto&) { o.rings = falling; }) ==
        "rings: expected increasing distances, got 0 after 1");
  CHECK(message([&](auto&, Options& o, auto&) { o.score = Score::kClasses, o.only = 2; }) ==
        "of: expected a class below 2, got 2");
  CHECK(message([&](auto&, auto&, Grid& g) { g.size[0] = 3; }) == "size: expected 1 x 4 pixels, got 1 x 3");
  CHECK(message([&](ProbabilityMaps& m, auto&, auto&) { m.weights = made.weights; }) ==
        "weights: not supported by boundary calibration");
  const std::vector<float> bad{0.5f, 0.5f, 2, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
  const std::vector<int32_t> labels{0, 1, 0, 1};
  CHECK(message([&](ProbabilityMaps& m, auto&, auto&) {
          m.probs = std::span<const float>(bad);
          m.labels = std::span<const int32_t>(labels);
        }) == "probs: expected probabilities in [0, 1], got 2 in class 0 at pixel 2 (1 such pixels)");
}
