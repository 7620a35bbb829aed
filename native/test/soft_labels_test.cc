#include "soft_labels/soft_labels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "check.h"
#include "isa.h"
#include "soft_label_twin.h"
#include "thinned.h"

namespace pixelcal {
namespace {

using test::ForEachIsa;
using test::Labels;
using test::RandomImage;
using test::RandomLabels;
using test::SoftLabelTwin;

void Compare(const Grid& grid, const SoftLabelOptions& options, int blobs) {
  if (test::LeftOut()) return;
  Labels labels = RandomLabels(grid.Count(), static_cast<int>(options.classes), blobs, 5);
  if (options.ignore)
    for (size_t i = 0; i < labels.size(); i += 3) labels[i] = static_cast<int32_t>(*options.ignore);
  const std::vector<float> image = RandomImage(grid.Count(), 6);
  std::vector<float> out(labels.size() * options.classes, 9.0f);
  cpu::SoftLabels(std::span<const int32_t>(labels), image, grid, options, out);
  const std::vector<double> expected = SoftLabelTwin(labels, image, grid, options);
  double worst = 0;
  for (size_t i = 0; i < out.size(); ++i)
    worst = std::max(worst, std::abs(out[i] - expected[i]) / std::max(1.0, expected[i]));
  CHECK(worst <= 1e-6, "aggregation ", static_cast<int>(options.aggregation), " border ",
        static_cast<int>(options.window_border), " normalization ", static_cast<int>(options.normalization),
        " dimensions ", options.dimensions, " taps ", options.taps.size(), " ignore ",
        options.ignore.has_value(), " size ", grid.size[0], " ", grid.size[1], " ", grid.size[2], " off by ",
        worst);
}

void CompareAll(const Grid& grid) {
  for (int rule = 0; rule <= static_cast<int>(Aggregation::kImageL2); ++rule)
    for (const WindowBorder border : {WindowBorder::kBackground, WindowBorder::kZero,
                                      WindowBorder::kReplicate, WindowBorder::kReflect101})
      for (const Normalization normalization : {Normalization::kWindow, Normalization::kClasses})
        for (const bool ignore : {false, true})
          for (int dimensions = 1; dimensions <= grid.rank; ++dimensions) {
            SoftLabelOptions options;
            options.classes = 4;
            options.aggregation = static_cast<Aggregation>(rule);
            options.window_border = border;
            options.normalization = normalization;
            options.dimensions = dimensions;
            if (ignore) options.ignore = -100;
            if (ReadsImage(options.aggregation) && border != WindowBorder::kBackground) continue;
            Compare(grid, options, 4);
            options.taps = {0.1f, 0.2f, 0.4f, 0.2f, 0.1f};
            if (options.aggregation == Aggregation::kWeighted) {
              options.scale = 0.5f;
              options.centre = 0.25f;
              options.divisor = 0.75f;
            }
            Compare(grid, options, 1);
          }
}

TEST(SoftLabelsEqualTheTwin) {
  ForEachIsa([] {
    for (const auto& size :
         std::vector<std::vector<int64_t>>{{1}, {2}, {65}, {1, 7}, {3, 2}, {9, 33}, {3, 1, 2}, {2, 3, 17}})
      CompareAll(MakeGrid(size.size() == 2 ? 2 : 1, size));
  });
}

// Windows and class counts at the limits of bytes: 15 x 15 pixels fit, 17 x 17 do not; classes come in
// eights.
TEST(SoftLabelsOfWideWindowsAndManyClassesEqualTheTwin) {
  ForEachIsa([] {
    for (const size_t taps : {size_t{1}, size_t{7}, size_t{15}, size_t{17}})
      for (const int64_t classes : {1, 8, 9, 300})
        for (const Aggregation rule : {Aggregation::kWeighted, Aggregation::kMode, Aggregation::kMedian}) {
          SoftLabelOptions options;
          options.taps.assign(taps, 1.0f);
          options.divisor = static_cast<float>(taps * taps);
          options.classes = classes;
          options.aggregation = rule;
          options.dimensions = 2;
          options.normalization = taps == 7 ? Normalization::kClasses : Normalization::kWindow;
          Compare(MakeGrid(1, std::vector<int64_t>{5, 19}), options, 2);
        }
  });
}

TEST(SoftLabelsOfUniformMapsAreExactlyHard) {
  const Grid grid = MakeGrid(1, std::vector<int64_t>{20, 70});
  const std::vector<uint8_t> labels(1400, 1);
  std::vector<float> out(2800);
  for (size_t taps = 1; taps <= 21; taps += 2) {
    SoftLabelOptions options;
    options.dimensions = 2;
    options.taps.assign(taps, 1.0f);
    options.divisor = static_cast<float>(taps * taps);
    cpu::SoftLabels(std::span(labels), {}, grid, options, out);
    for (int i = 0; i < 2800; ++i) CHECK(out[i] == (i < 1400 ? 0.0f : 1.0f), taps, " taps: ", out[i]);
  }
}

TEST(SoftLabelsGiveTheSameBitsWithAnyInstructionsAndThreads) {
  const Grid grid = MakeGrid(2, std::vector<int64_t>{5, 70, 90});
  const Labels labels = RandomLabels(grid.Count(), 4, 6, 9);
  const std::vector<float> image = RandomImage(grid.Count(), 3);
  const int before = ThreadCount();
  const Isa isa = ActiveIsa();
  for (const Aggregation rule : {Aggregation::kWeighted, Aggregation::kMode, Aggregation::kImageL1}) {
    SoftLabelOptions options;
    options.classes = 4;
    options.aggregation = rule;
    options.dimensions = 3;
    options.taps = {0.3f, 0.4f, 0.3f};
    options.window_border = WindowBorder::kBackground;
    std::vector<float> one(labels.size() * 4), many(one.size());
    SetThreadCount(1);
    SetIsa(Isa::kBaseline);
    cpu::SoftLabels(std::span<const int32_t>(labels), image, grid, options, one);
    ForEachIsa([&] {
      for (const int threads : {1, 2, 3, 5}) {
        SetThreadCount(threads);
        cpu::SoftLabels(std::span<const int32_t>(labels), image, grid, options, many);
        CHECK(one == many, "aggregation ", static_cast<int>(rule), " threads ", threads);
      }
    });
  }
  SetIsa(isa);
  SetThreadCount(before);
}

TEST(SoftLabelsReject) {
  const Grid grid = MakeGrid(1, std::vector<int64_t>{2, 2});
  const std::vector<int64_t> labels{0, 1, 5, -1};
  const std::vector<int64_t> good{0, 1, 1, 0};
  const std::vector<float> no_image;
  std::vector<float> out(8);
  const auto run = [&](const std::vector<int64_t>& map, const SoftLabelOptions& options,
                       std::span<float> to) {
    cpu::SoftLabels(std::span<const int64_t>(map), no_image, grid, options, to);
  };
  SoftLabelOptions options;
  CHECK_THROWS(run(labels, options, out),
               "labels: expected classes 0 to 1, got 5 at pixel 2 (2 such pixels)");
  options.ignore = 5;
  CHECK_THROWS(run(labels, options, out),
               "labels: expected classes 0 to 1, got -1 at pixel 3 (1 such pixels)");
  options.ignore.reset();
  CHECK_THROWS(run({0, 1}, options, out), "labels: expected 4 pixels, got 2");
  CHECK_THROWS(run(good, options, std::span(out).first(4)), "out: expected 8 values, got 4");
  options.classes = 0;
  CHECK_THROWS(run(good, options, out), "classes: expected 1 to 32767, got 0");
  options = {};
  options.taps = {1, 1};
  CHECK_THROWS(run(good, options, out), "taps: expected an odd number, got 2");
  options.taps = {1, -1, 1};
  CHECK_THROWS(run(good, options, out), "taps: expected finite weights of at least 0, got -1");
  options = {};
  options.dimensions = 3;
  CHECK_THROWS(run(good, options, out), "dimensions: expected 1 to 2, got 3");
  options = {};
  options.divisor = 0;
  CHECK_THROWS(run(good, options, out), "divisor: expected a positive number, got 0");
  options = {};
  options.band = true;
  CHECK_THROWS(run(good, options, out), "band: needs a morphology operation");
  options = {};
  options.morphology = MorphologyOptions{.iterations = std::numeric_limits<int32_t>::min()};
  CHECK_THROWS(run(good, options, out), "iterations: expected at least 1, got -2147483648");
  options.morphology = MorphologyOptions{.radius = -1};
  CHECK_THROWS(run(good, options, out), "radius: expected at least 0, got -1");
  options = {};
  options.aggregation = Aggregation::kImageL1;
  CHECK_THROWS(run(good, options, out), "image: expected 4 pixels, got 0");
  const std::vector<float> image{0, 1, std::nanf(""), 2};
  const auto with_image = [&] { cpu::SoftLabels(std::span<const int64_t>(good), image, grid, options, out); };
  CHECK_THROWS(with_image(), "windowBorder: expected background");
  options.window_border = WindowBorder::kBackground;
  CHECK_THROWS(with_image(), "image: expected finite values, got nan at pixel 2 (1 such pixels)");
}

}  // namespace
}  // namespace pixelcal
