#include <cmath>

#include "cuda_test.h"
#include "soft_labels/boundary_soft_labels.h"
#include "soft_labels/label_targets.h"

using namespace pixelcal;

namespace {

std::vector<int32_t> Labels(int64_t count, int64_t classes, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<int32_t> labels(static_cast<size_t>(count));
  int32_t label = 0;
  for (auto& each : labels) {
    if (noise.Uniform() < 0.3) label = static_cast<int32_t>(noise.Next() % static_cast<uint64_t>(classes));
    each = label;
  }
  return labels;
}

void CheckNear(const std::vector<float>& got, const std::vector<float>& expected, int rule) {
  for (size_t i = 0; i < got.size(); ++i) {
    const bool near = std::abs(got[i] - expected[i]) <= 1e-6f * std::max(1.0f, std::abs(expected[i]));
    CHECK(near, "rule ", rule, " at ", i, ": ", got[i], " not ", expected[i]);
    if (!near) return;
  }
}

}  // namespace

CUDA_TEST(SoftLabelsEqualCpu) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{7}, {1, 5}, {9, 40}, {4, 5, 13}}) {
    const Grid grid = MakeGrid(2, size);
    for (int rule = 0; rule <= static_cast<int>(Aggregation::kImageL2); ++rule) {
      for (int variant = 0; variant < 4; ++variant) {
        SoftLabelOptions options;
        options.classes = variant == 3 ? 11 : 3;
        options.aggregation = static_cast<Aggregation>(rule);
        options.taps =
            variant % 2 ? std::vector<float>{0.25f, 0.5f, 1, 0.5f, 0.25f} : std::vector<float>{1, 1, 1};
        options.centre = variant == 1 ? 2 : 0;
        options.divisor = variant == 1 ? 9 : 3;
        options.dimensions = variant == 2 ? 1 : grid.rank;
        options.normalization = static_cast<Normalization>((rule + variant) % 3);
        const bool image_rule = ReadsImage(options.aggregation);
        options.window_border =
            image_rule ? WindowBorder::kBackground : static_cast<WindowBorder>((rule + 2 * variant) % 4);
        if (variant >= 1)
          options.morphology = MorphologyOptions{static_cast<MorphologyOp>((rule + variant) % 7)};
        options.band = variant == 2;
        if (variant % 2 == 0) options.ignore = 1;
        const auto labels = Labels(grid.Count(), options.classes, ++seed);
        test::Noise noise(seed);
        std::vector<float> image(labels.size());
        for (float& value : image) value = static_cast<float>(noise.Uniform() * 2);
        std::vector<float> expected(labels.size() * static_cast<size_t>(options.classes)),
            out(expected.size(), -1);
        const LabelSpan span = std::span<const int32_t>(labels);
        cpu::SoftLabels(span, image, grid, options, expected);
        cuda::SoftLabels(span, image, grid, options, out);
        CheckNear(out, expected, rule);
      }
    }
  }
}

CUDA_TEST(BoundarySoftLabelsEqualCpu) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{7}, {1, 5}, {9, 40}, {4, 5, 13}}) {
    const Grid grid = MakeGrid(2, size);
    for (const int64_t classes : {1, 2, 5}) {
      for (const auto& [scale, floor] : {std::pair{0.35, 0.0}, {2.0, 0.01}, {0.0, 0.0}}) {
        for (const auto& spacing : test::Spacings()) {
          BoundarySoftLabelOptions options{classes, spacing, scale, floor, std::nullopt};
          if (++seed % 2) options.ignore = seed % 4 ? 0 : classes;
          const auto labels = Labels(grid.Count(), classes + (options.ignore == classes), seed);
          std::vector<float> expected(labels.size() * static_cast<size_t>(classes)), out(expected.size(), -1);
          const LabelSpan span = std::span<const int32_t>(labels);
          cpu::BoundarySoftLabels(span, grid, options, expected);
          cuda::BoundarySoftLabels(span, grid, options, out);
          CheckNear(out, expected, static_cast<int>(seed));
        }
      }
    }
  }
  const std::vector<int32_t> wrong{0, 1, 2, 5};
  std::vector<float> out(8);
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{4});
  CHECK_THROWS(cuda::BoundarySoftLabels(std::span<const int32_t>(wrong), grid, {.ignore = 2}, out),
               "labels: expected classes 0 to 1, got 5 at pixel 3");
}

CUDA_TEST(SoftLabelsRejectAsTheCpu) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{3, 4});
  auto labels = Labels(12, 2, 1);
  std::vector<float> out(24), image(12);
  SoftLabelOptions options;
  options.aggregation = Aggregation::kImageL1;
  options.dimensions = 2;
  options.window_border = WindowBorder::kBackground;
  const LabelSpan span = std::span<const int32_t>(labels);
  image[5] = HUGE_VALF;
  CHECK_THROWS(cuda::SoftLabels(span, image, grid, options, out),
               "image: expected finite values, got inf at pixel 5");
  image[5] = 0;
  labels[7] = 2;
  CHECK_THROWS(cuda::SoftLabels(span, image, grid, options, out), "labels: expected");
  options.taps = {1, 1};
  CHECK_THROWS(cuda::SoftLabels(span, image, grid, options, out), "taps: expected an odd number");
}

CUDA_TEST(TargetsEqualCpu) {
  for (const int64_t batch : {1, 5}) {
    const Grid grid = MakeGrid(batch, std::array<int64_t, 2>{17, 35});
    auto labels = Labels(grid.Count(), 4, 3);
    const LabelSpan span = std::span<const int32_t>(labels);
    LabelTargetOptions options;
    options.signed_distance.classes = options.soft_labels.classes = 4;
    options.soft_labels.dimensions = 2;
    options.soft_labels.morphology = MorphologyOptions{MorphologyOp::kGradient};
    options.soft_labels.normalization = Normalization::kClasses;
    const size_t count = labels.size() * 4;
    std::vector<float> a(count), b(count), c(count), x(count, -1), y(count, -1), z(count, -1);
    cpu::Targets(span, grid, options, {a, b, c});
    const size_t before = cuda::PieceBytes();
    cuda::SetPieceBytes(17 * 35 * 60);  // several pieces
    cuda::Targets(span, grid, options, {x, y, z});
    cuda::SetPieceBytes(before);
    CHECK(x == a && y == b);
    CheckNear(z, c, 0);
    std::vector<float> alone(count);
    cuda::Targets(span, grid, options, {{}, alone, {}});
    CHECK(alone == b);
    labels[20] = 4;
    CHECK_THROWS(cuda::Targets(span, grid, options, {x, {}, {}}),
                 "labels: expected classes 0 to 3, got 4 at pixel 20");
  }
}
