#include "soft_labels/boundary_soft_labels.h"

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "reference.h"

using namespace pixelcal;

namespace {

// Makes runs of labels, so that some pixels lie far from any border.
std::vector<int> Runs(const Grid& grid, int classes, double change, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<int> labels(static_cast<size_t>(grid.Count()));
  int label = 0;
  for (auto& each : labels) {
    if (noise.Uniform() < change) label = static_cast<int>(noise.Next() % static_cast<uint64_t>(classes));
    each = label;
  }
  return labels;
}

template <class Label = int32_t>
std::vector<float> Soft(const std::vector<int>& labels, const Grid& grid,
                        const BoundarySoftLabelOptions& options) {
  const std::vector<Label> typed(labels.begin(), labels.end());
  std::vector<float> out(typed.size() * static_cast<size_t>(options.classes), -1.0f);
  cpu::BoundarySoftLabels(std::span<const Label>(typed), grid, options, out);
  return out;
}

// Computes the targets of the first image of `grid` in double from the definition: every pair of pixels.
std::vector<double> Twin(const std::vector<int>& labels, const Grid& grid,
                         const BoundarySoftLabelOptions& options) {
  const auto dhw = grid.DepthHeightWidth();
  const auto spacing = reference::RightAligned(grid, options.spacing);
  double least = options.spacing[0];
  for (int axis = 1; axis < grid.rank; ++axis) least = std::min(least, options.spacing[axis]);
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  std::vector<double> targets(static_cast<size_t>(pixels * classes), 0);
  for (int64_t i = 0; i < pixels; ++i) {
    if (options.ignore == labels[i]) continue;
    const auto p = reference::At(dhw, i);
    std::vector<double> distance(classes, std::numeric_limits<double>::infinity());
    for (int64_t j = 0; j < pixels; ++j) {
      if (options.ignore == labels[j]) continue;
      const auto q = reference::At(dhw, j);
      const double dz = static_cast<double>(p.z - q.z) * spacing[0];
      const double dy = static_cast<double>(p.y - q.y) * spacing[1];
      const double dx = static_cast<double>(p.x - q.x) * spacing[2];
      distance[labels[j]] = std::min(distance[labels[j]], std::sqrt(dz * dz + dy * dy + dx * dx));
    }
    const int own = labels[i];
    double inside = std::numeric_limits<double>::infinity();
    for (int c = 0; c < classes; ++c)
      if (c != own) inside = std::min(inside, distance[c]);
    std::vector<double> score(classes);
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int c = 0; c < classes; ++c) {
      const double away = std::max((c == own ? inside : distance[c]) - least / 2, least / 2);
      // The limits of the softmax: without other classes, and for scale 0.
      score[c] = (c == own ? away : -away) / (2 * std::max(options.scale, 1e-9) * least);
      if (std::isinf(score[c]) && c == own) score[c] = 1e300;
      most = std::max(most, score[c]);
    }
    for (int c = 0; c < classes; ++c) sum += std::exp(score[c] - most);
    for (int c = 0; c < classes; ++c)
      targets[c * pixels + i] = (1 - options.floor) * std::exp(score[c] - most) / sum +
                                options.floor / static_cast<double>(classes);
  }
  return targets;
}

}  // namespace

TEST(BoundarySoftLabelsEqualTheDefinition) {
  uint64_t seed = 3;
  for (const auto& size :
       {std::vector<int64_t>{1}, {17}, {1, 7}, {16, 17}, {33, 20}, {3, 7, 16}, {5, 1, 9}}) {
    const Grid grid = MakeGrid(1, size);
    for (const int classes : {1, 2, 3, 5}) {
      for (const double change : {0.0, 0.05, 0.5}) {
        for (const auto& spacing : test::Spacings()) {
          for (const auto& [scale, floor] : {std::pair{0.35, 0.0}, {2.0, 0.01}, {0.0, 0.0}, {1e-3, 0.5}}) {
            for (const bool ignores : {false, true}) {
              BoundarySoftLabelOptions options{classes, spacing, scale, floor, std::nullopt};
              if (ignores) options.ignore = seed % 2 ? classes : 0;
              const int labelled = classes + (options.ignore == classes ? 1 : 0);
              const auto labels = Runs(grid, labelled, change, ++seed);
              const auto expected = Twin(labels, grid, options);
              const auto got = Soft(labels, grid, options);
              CHECK((Soft<uint8_t>(labels, grid, options) == got));
              CHECK((Soft<int64_t>(labels, grid, options) == got));
              for (size_t at = 0; at < got.size(); ++at) {
                const bool near = std::abs(got[at] - expected[at]) <= 2e-6;
                CHECK(near, "size ", size[0], " classes ", classes, " scale ", scale, " ignore ", ignores,
                      " at ", at, ": ", got[at], " not ", expected[at]);
                if (!near) return;
                if (scale == 0 && floor == 0) CHECK(got[at] == 0 || got[at] == 1);
              }
              for (size_t i = 0; i < labels.size(); ++i) {
                double sum = 0;
                for (int c = 0; c < classes; ++c) sum += got[static_cast<size_t>(c) * labels.size() + i];
                CHECK(std::abs(sum - (options.ignore == labels[i] ? 0 : 1)) < 1e-6, sum);
              }
            }
          }
        }
      }
    }
  }
}

// Each image alone, with numbers of classes around those that fit words and bytes.
TEST(BoundarySoftLabelsAreTheSameEverywhere) {
  struct Case {
    std::vector<int64_t> size;
    int classes;
  };
  for (const Case& c : {Case{{70, 65}, 2}, Case{{4700, 2}, 3}, Case{{5, 33, 17}, 4}, Case{{12, 13}, 64},
                        Case{{12, 13}, 65}, Case{{12, 13}, 255}, Case{{12, 13}, 256}, Case{{12, 13}, 600}}) {
    const Grid grid = MakeGrid(2, c.size), one = MakeGrid(1, c.size);
    for (const auto& ignore : {std::optional<int64_t>(), std::optional<int64_t>(1)}) {
      const auto labels = Runs(grid, c.classes, 0.1, 5);
      const BoundarySoftLabelOptions options{c.classes, {1, 1, 1}, 0.7, 0.02, ignore};
      std::vector<float> first;
      for (int image = 0; image < 2; ++image) {
        const auto begin = labels.begin() + image * grid.Pixels();
        const std::vector<int> own(begin, begin + grid.Pixels());
        const auto expected = Twin(own, one, options);
        const auto got = Soft(own, one, options);
        for (size_t at = 0; at < got.size(); ++at) CHECK(std::abs(got[at] - expected[at]) <= 2e-6, got[at]);
        first.insert(first.end(), got.begin(), got.end());
      }
      test::EverywhereAtAnyThreadCount([&] { CHECK(Soft(labels, grid, options) == first); });
    }
  }
}

TEST(BoundarySoftLabelsRejectWhatDoesNotFit) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{2, 2});
  const std::vector<int32_t> labels{0, 1, 7, -1};
  const LabelSpan span = std::span<const int32_t>(labels);
  std::vector<float> out(8);
  const auto run = [&](const BoundarySoftLabelOptions& options) {
    cpu::BoundarySoftLabels(span, grid, options, out);
  };
  CHECK_THROWS(run({.ignore = 7}), "labels: expected classes 0 to 1, got -1 at pixel 3 (1 such pixels)");
  CHECK_THROWS(run({}), "labels: expected classes 0 to 1, got 7 at pixel 2 (2 such pixels)");
  CHECK_THROWS(run({.scale = -1}), "scale: expected a number of at least 0, got -1");
  CHECK_THROWS(run({.floor = 1}), "floor: expected a number from 0 to below 1, got 1");
  CHECK_THROWS(run({.classes = 3}), "out: expected 12 elements, got 8");
}
