#include "distance/border_levels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "reference.h"

namespace pixelcal::test {
namespace {

constexpr int kIgnored = 9;

// Blobs with noise, some pixels of which have the label 9.
std::vector<int> MakeLabels(const Grid& grid, int classes, double ignored, uint64_t seed) {
  Noise noise(seed);
  std::vector<int> labels(static_cast<size_t>(grid.Count()));
  for (size_t i = 0; i < labels.size(); ++i) {
    const int blob = static_cast<int>(i / 5) % classes;
    labels[i] =
        noise.Uniform() < 0.8 ? blob : static_cast<int>(noise.Next() % static_cast<uint64_t>(classes));
    if (noise.Uniform() < ignored) labels[i] = kIgnored;
  }
  return labels;
}

std::vector<Grid> SmallGrids() {
  return {MakeGrid(1, std::array<int64_t, 1>{17}), MakeGrid(2, std::array<int64_t, 2>{7, 9}),
          MakeGrid(1, std::array<int64_t, 3>{3, 5, 8}), MakeGrid(3, std::array<int64_t, 2>{1, 1})};
}

// The slow twin: two transforms of each class, in which ignored pixels are a class of their own.
std::vector<double> LevelTwin(const std::vector<int>& labels, const Grid& grid, int label, double step,
                              bool scaled) {
  auto levels = reference::SignedDistances(labels, label, grid, {1.5, 2, 1});
  const auto finite = [](double level) { return std::isfinite(level); };
  const bool outside = std::any_of(levels.begin(), levels.end(), [](double level) { return level > 0; });
  const bool inside = std::any_of(levels.begin(), levels.end(), [](double level) { return level < 0; });
  const bool bordered = outside && inside && std::all_of(levels.begin(), levels.end(), finite);
  double most = 0, least = 0;
  for (double& level : levels) {
    if (!bordered)
      level = 0;
    else if (level < 0)
      level += step;
    most = std::max(most, level);
    least = std::min(least, level);
  }
  if (scaled)
    for (double& level : levels)
      if (const double limit = level > 0 ? most : -least; limit > 0) level /= limit;
  return levels;
}

TEST(BorderLevelsEqualTheTwin) {
  for (const Grid& grid : SmallGrids())
    for (const double ignored : {0.0, 0.15, 1.0})
      for (const LevelForm form : {LevelForm::kBorder, LevelForm::kScaledBorder}) {
        const int classes = 3;
        const std::vector<int> labels = MakeLabels(grid, classes, ignored, 5);
        const std::vector<int64_t> typed(labels.begin(), labels.end());
        BorderLevelOptions options;
        options.distances = {classes, {1.5, 2, 1}, Normalize::kNone, 1, Absent::kFar};
        options.form = form;
        options.ignore = kIgnored;
        const double step = grid.rank == 1 ? 1.5 : grid.rank == 2 ? 1.5 : 1;
        EverywhereAtAnyThreadCount([&] {
          std::vector<float> out(typed.size() * classes, -7.0f);
          cpu::BorderLevels(std::span<const int64_t>(typed), grid, options, out);
          const int64_t pixels = grid.Pixels();
          for (int64_t image = 0; image < grid.batch; ++image)
            for (int c = 0; c < classes; ++c) {
              const std::vector<int> own(labels.begin() + image * pixels,
                                         labels.begin() + (image + 1) * pixels);
              const auto expected = LevelTwin(own, grid, c, step, form == LevelForm::kScaledBorder);
              for (int64_t i = 0; i < pixels; ++i) {
                const double got = out[static_cast<size_t>((image * classes + c) * pixels + i)];
                CHECK(std::abs(got - expected[static_cast<size_t>(i)]) < 1e-5, got, " for ", expected[i]);
              }
            }
        });
      }
}

TEST(DistancesAroundIgnoredPixelsAreThoseWithAClassMore) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{6, 11});
  const std::vector<int> labels = MakeLabels(grid, 2, 0.2, 3);
  std::vector<int32_t> marked(labels.begin(), labels.end()), more(labels.begin(), labels.end());
  std::replace(more.begin(), more.end(), kIgnored, 2);
  BorderLevelOptions options{
      {2, {1, 1, 1}, Normalize::kSplit, 1, Absent::kReference}, LevelForm::kDistances, 9};
  std::vector<float> out(marked.size() * 2), all(marked.size() * 3);
  cpu::BorderLevels(std::span<const int32_t>(marked), grid, options, out);
  options.distances.classes = 3;
  cpu::SignedDistance(std::span<const int32_t>(more), grid, options.distances, all);
  const int64_t pixels = grid.Pixels();
  for (int64_t image = 0; image < 2; ++image)
    CHECK(std::equal(out.begin() + image * 2 * pixels, out.begin() + (image + 1) * 2 * pixels,
                     all.begin() + image * 3 * pixels));
}

TEST(BorderDistancesEqualTheTwin) {
  for (const Grid& grid : SmallGrids())
    for (const double ignored : {0.0, 0.15, 1.0}) {
      const int classes = 3;
      const std::vector<int> labels = MakeLabels(grid, classes, ignored, 8);
      const std::vector<uint8_t> typed(labels.begin(), labels.end());
      EverywhereAtAnyThreadCount([&] {
        std::vector<float> out(typed.size() * classes, -7.0f);
        cpu::BorderDistances(std::span<const uint8_t>(typed), grid, classes, kIgnored, out);
        const int64_t pixels = grid.Pixels();
        for (int64_t image = 0; image < grid.batch; ++image)
          for (int c = 0; c < classes; ++c) {
            // Ignored pixels stand in nobody's way: from inside they are of the class, from outside of
            // another.
            std::vector<uint8_t> inside(static_cast<size_t>(pixels)), outside(static_cast<size_t>(pixels));
            for (int64_t i = 0; i < pixels; ++i) {
              const int label = labels[static_cast<size_t>(image * pixels + i)];
              inside[static_cast<size_t>(i)] = label == c || label == kIgnored;
              outside[static_cast<size_t>(i)] = label != c;
            }
            const auto in = reference::SquaredDistances(inside.data(), grid, {1, 1, 1});
            const auto out_of = reference::SquaredDistances(outside.data(), grid, {1, 1, 1});
            for (size_t i = 0; i < static_cast<size_t>(pixels); ++i) {
              const auto finite = [](double square) { return std::isfinite(square) ? std::sqrt(square) : 0; };
              const bool counts = labels[static_cast<size_t>(image * pixels) + i] != kIgnored;
              const double expected = counts ? finite(in[i]) + finite(out_of[i]) : 0;
              const double got = out[static_cast<size_t>((image * classes + c) * pixels) + i];
              CHECK(std::abs(got - expected) < 1e-5, got, " for ", expected);
            }
          }
      });
    }
}

TEST(BorderLevelsRefuseStrayLabels) {
  const std::vector<int32_t> labels{0, 1, 2, 9};
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{4});
  std::vector<float> out(8);
  BorderLevelOptions options;
  options.ignore = kIgnored;
  CHECK_THROWS(cpu::BorderLevels(std::span<const int32_t>(labels), grid, options, out),
               "labels: expected classes 0 to 1, got 2 at pixel 2 (1 such pixels)");
  CHECK_THROWS(cpu::BorderDistances(std::span<const int32_t>(labels), grid, 2, std::nullopt, out),
               "labels: expected classes 0 to 1, got 2 at pixel 2 (2 such pixels)");
}

// Labels that their owner changes while the transforms run, which the second pass reads again.
std::vector<int32_t> changing;
void ChangeLabels(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions& options,
                  std::span<float> out) {
  cpu::DistanceTransform(mask, grid, options, out);
  changing[1] = 1'000'000;
  changing[2] = -1'000'000;
}

TEST(BorderDistancesOfLabelsThatChangeMeanwhileStayInTheirMaps) {
  changing = {0, 1, 1, 1};
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{4});
  std::vector<float> out(8, NAN);
  cpu::BorderDistances(std::span<const int32_t>(changing), grid, 2, std::nullopt, out, ChangeLabels);
  CHECK(out[1] == 0 && out[5] == 0 && out[2] == 0 && out[6] == 0);
  CHECK(out[0] == 1 && out[7] == 3, out[0], " ", out[7]);
}

}  // namespace
}  // namespace pixelcal::test
