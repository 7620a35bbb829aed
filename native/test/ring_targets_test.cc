#include "soft_labels/ring_targets.h"

#include <algorithm>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "morphology/morphology.h"

namespace pixelcal::test {
namespace {

constexpr int kIgnored = 7;

std::vector<uint8_t> MakeLabels(const Grid& grid, int classes, uint64_t seed) {
  Noise noise(seed);
  std::vector<uint8_t> labels(static_cast<size_t>(grid.Count()));
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<uint8_t>(i / 6 % static_cast<size_t>(classes));
    if (noise.Uniform() < 0.1)
      labels[i] = static_cast<uint8_t>(noise.Next() % static_cast<uint64_t>(classes));
    if (noise.Uniform() < 0.1) labels[i] = kIgnored;
  }
  return labels;
}

// The slow twin: an erosion and a dilation of every class.
std::vector<float> Twin(const std::vector<uint8_t>& labels, const Grid& grid,
                        const RingTargetOptions& options) {
  const auto pixels = static_cast<size_t>(grid.Pixels());
  std::vector<float> out(labels.size() * static_cast<size_t>(options.classes), 0.0f);
  Grid one = grid;
  one.batch = 1;
  for (size_t image = 0; image < static_cast<size_t>(grid.batch); ++image) {
    std::vector<float> totals(pixels, 0.0f);
    float* const maps = out.data() + image * static_cast<size_t>(options.classes) * pixels;
    for (int64_t c = 0; c < options.classes; ++c) {
      std::vector<uint8_t> own(pixels), kept(pixels), core(pixels), grown(pixels);
      for (size_t i = 0; i < pixels; ++i) {
        const int label = labels[image * pixels + i];
        own[i] = label == c;
        kept[i] = label == c || label == kIgnored;
      }
      cpu::Morphology(kept, one, {.op = MorphologyOp::kErosion}, core);
      cpu::Morphology(own, one, {.op = MorphologyOp::kDilation}, grown);
      for (size_t i = 0; i < pixels; ++i) {
        if (labels[image * pixels + i] == kIgnored) continue;
        const double target = own[i] ? (core[i] ? 1 : options.inner) : grown[i] ? options.outer : 0;
        maps[static_cast<size_t>(c) * pixels + i] = static_cast<float>(target);
        totals[i] += static_cast<float>(target);
      }
    }
    for (int64_t c = 0; c < options.classes; ++c)
      for (size_t i = 0; i < pixels; ++i)
        if (totals[i] > 0) maps[static_cast<size_t>(c) * pixels + i] /= totals[i];
  }
  return out;
}

TEST(RingTargetsEqualTheTwin) {
  for (const Grid& grid : Grids()) {
    if (grid.Count() > 20000) continue;
    for (const int classes : {1, 2, 5}) {
      const std::vector<uint8_t> labels = MakeLabels(grid, classes, static_cast<uint64_t>(classes));
      const RingTargetOptions options{classes, 0.9, classes == 5 ? 0.3 : 0.1, kIgnored};
      const std::vector<float> expected = Twin(labels, grid, options);
      std::vector<float> out(expected.size(), -3.0f);
      cpu::RingTargets(std::span<const uint8_t>(labels), grid, options, out);
      CHECK(out == expected, grid.size[0], " x ", grid.size[1], " x ", grid.size[2]);
    }
  }
}

TEST(RingTargetsRefuseStrayLabels) {
  const std::vector<int64_t> labels{0, 3, 1, 7};
  std::vector<float> out(8);
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{4});
  const RingTargetOptions options{2, 0.9, 0.1, kIgnored};
  CHECK_THROWS(cpu::RingTargets(std::span<const int64_t>(labels), grid, options, out),
               "labels: expected classes 0 to 1, got 3 at pixel 1 (1 such pixels)");
}

TEST(MixedPixelsAreThoseWithoutALargeClass) {
  const int64_t pixels = 5000, batch = 2, classes = 3;
  Noise noise(4);
  std::vector<float> soft(static_cast<size_t>(batch * classes * pixels));
  for (float& value : soft) value = noise.Uniform() < 0.2 ? 1.0f : static_cast<float>(noise.Uniform());
  EverywhereAtAnyThreadCount([&] {
    std::vector<float> out(static_cast<size_t>(batch * pixels), 5.0f);
    cpu::MixedPixels(soft, batch, classes, 0.75, out);
    for (int64_t i = 0; i < batch * pixels; ++i) {
      bool mixed = true;
      for (int64_t c = 0; c < classes; ++c)
        mixed &= soft[static_cast<size_t>((i / pixels * classes + c) * pixels + i % pixels)] <= 0.75f;
      CHECK(out[static_cast<size_t>(i)] == (mixed ? 1 : 0), i);
    }
  });
}

}  // namespace
}  // namespace pixelcal::test
