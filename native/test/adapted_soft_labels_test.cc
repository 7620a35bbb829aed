// Soft labels of class masks that morphology has changed.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <vector>

#include "base/parallel.h"
#include "check.h"
#include "isa.h"
#include "soft_label_twin.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal {
namespace {

using test::AdaptedSoftLabelTwin;
using test::ForEachIsa;
using test::Labels;
using test::RandomLabels;

void CompareAdapted(const Grid& grid, const SoftLabelOptions& options, int blobs) {
  Labels labels = RandomLabels(grid.Count(), static_cast<int>(options.classes), blobs, 8);
  if (options.ignore)
    for (size_t i = 0; i < labels.size(); i += 5) labels[i] = static_cast<int32_t>(*options.ignore);
  std::vector<float> out(labels.size() * options.classes, 9.0f);
  cpu::SoftLabels(std::span<const int32_t>(labels), {}, grid, options, out);
  const std::vector<double> expected = AdaptedSoftLabelTwin(labels, grid, options);
  double worst = 0;
  for (size_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::abs(out[i] - expected[i]));
  const MorphologyOptions& m = *options.morphology;
  CHECK(worst <= 1e-6, "op ", static_cast<int>(m.op), " structure ", static_cast<int>(m.structure),
        " radius ", m.radius, " iterations ", m.iterations, " border ", static_cast<int>(m.border),
        " aggregation ", static_cast<int>(options.aggregation), " normalization ",
        static_cast<int>(options.normalization), " dimensions ", options.dimensions, " classes ",
        options.classes, " taps ", options.taps.size(), " band ", options.band, " ignore ",
        options.ignore.has_value(), " off by ", worst);
}

std::vector<MorphologyOptions> Morphologies() {
  std::vector<MorphologyOptions> all;
  for (int op = 0; op <= static_cast<int>(MorphologyOp::kExternalGradient); ++op)
    for (const auto& [structure, radius, iterations] : std::vector<std::tuple<Structure, int64_t, int64_t>>{
             {Structure::kBox, 1, 1},
             {Structure::kBox, 0, 1},
             {Structure::kBox, 2, 2},
             {Structure::kCross, 1, 1},
             {Structure::kCross, 1, 3},
             {Structure::kCross, 2, 1},  // these two by whole masks
             {Structure::kBox, 5, 3}})
      for (const MorphologyBorder border :
           {MorphologyBorder::kNeutral, MorphologyBorder::kZero, MorphologyBorder::kOne})
        all.push_back({static_cast<MorphologyOp>(op), structure, radius, iterations, border});
  return all;
}

TEST(SoftLabelsWithMorphologyEqualTheTwin) {
  const std::vector<Grid> grids{MakeGrid(2, std::vector<int64_t>{9, 11}),
                                MakeGrid(1, std::vector<int64_t>{65}),
                                MakeGrid(1, std::vector<int64_t>{5, 6, 7})};
  ForEachIsa([&] {
    int at = 0;
    for (const Grid& grid : grids)
      for (const MorphologyOptions& morphology : Morphologies())
        for (int dimensions = 1; dimensions <= grid.rank; ++dimensions) {
          SoftLabelOptions options;
          options.morphology = morphology;
          options.dimensions = dimensions;
          // Each morphology with different choices of the other options, all pairs of which occur.
          ++at;
          options.classes = std::array{2, 3, 9, 40}[at % 4];
          options.aggregation = static_cast<Aggregation>(at / 2 % 8);
          options.normalization = static_cast<Normalization>(at / 3 % 3);
          options.window_border = static_cast<WindowBorder>(at / 5 % 4);
          if (at % 7 == 0) options.ignore = -1;
          options.band = at % 11 == 0;
          if (at % 2 == 0) options.taps = {0.25f, 0.5f, 0.25f};
          if (at % 6 == 1) options.taps = {0.1f, 0.2f, 0.4f, 0.2f, 0.1f};
          CompareAdapted(grid, options, 4);
        }
  });
}

// Every aggregation and normalisation after the authors' own morphology, on maps of several tiles.
TEST(SoftLabelsOfManyTilesEqualTheTwin) {
  const int before = ThreadCount();
  int at = 0;
  for (const auto& size : std::vector<std::vector<int64_t>>{
           {150, 63}, {130, 64}, {131, 65}, {3, 1, 9000}, {2, 70, 129}, {1, 300, 31}})
    for (const MorphologyOp op : {MorphologyOp::kErosion, MorphologyOp::kClosing, MorphologyOp::kGradient}) {
      SoftLabelOptions options;
      options.classes = 3;
      options.dimensions = 2;
      options.morphology = MorphologyOptions{};
      options.morphology->op = op;
      options.aggregation = static_cast<Aggregation>(at % 8);
      options.normalization = static_cast<Normalization>(at % 3);
      options.window_border = WindowBorder::kReflect101;
      if (at % 4 == 0) options.taps = {0.25f, 0.5f, 0.25f};
      SetThreadCount(1 + at++ % 3);
      const Grid grid = MakeGrid(1, size);
      ForEachIsa([&] { CompareAdapted(grid, options, 7); });
    }
  SetThreadCount(before);
}

TEST(SoftLabelsKeepTheHardLabelOutsideTheBand) {
  // One edge lies between columns 4 and 5; the window is 5 wide, but the band one pixel on either side.
  const Grid grid = MakeGrid(1, std::vector<int64_t>{3, 10});
  std::vector<uint8_t> labels(30);
  for (int i = 0; i < 30; ++i) labels[i] = i % 10 >= 5;
  SoftLabelOptions options;
  options.taps.assign(5, 1.0f);
  options.divisor = 25;
  options.dimensions = 2;
  options.band = true;
  for (const MorphologyOp op :
       {MorphologyOp::kGradient, MorphologyOp::kErosion, MorphologyOp::kExternalGradient}) {
    options.morphology = MorphologyOptions{};
    options.morphology->op = op;
    std::vector<float> out(60);
    cpu::SoftLabels(std::span<const uint8_t>(labels), {}, grid, options, out);
    const float expected[10] = {0, 0, 0, 0, 0.4f, 0.6f, 1, 1, 1, 1};
    for (int i = 0; i < 30; ++i) {
      CHECK(std::abs(out[30 + i] - expected[i % 10]) < 1e-6, "column ", i % 10, " got ", out[30 + i]);
      CHECK(std::abs(out[i] + out[30 + i] - 1) < 1e-6);
    }
  }
}

}  // namespace
}  // namespace pixelcal
