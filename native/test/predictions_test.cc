#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "calibration/probability_values.h"
#include "check.h"
#include "isa.h"
#include "labels/narrow_labels.h"

namespace pixelcal::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Values [classes, pixels] that are 1 / classes but where a pixel is named.
std::vector<float> Equal(int64_t classes, int64_t pixels) {
  return std::vector<float>(static_cast<size_t>(classes * pixels), 1.0f / static_cast<float>(classes));
}

TEST(NarrowLabelsFindsTheFirstStray) {
  for (const int64_t pixels : {int64_t{1}, int64_t{4096}, int64_t{4097}, int64_t{70001}}) {
    std::vector<int64_t> labels(pixels);
    for (int64_t i = 0; i < pixels; ++i) labels[i] = i % 5 == 0 ? 255 : i % 3;
    EverywhereAtAnyThreadCount([&] {
      std::vector<uint8_t> out(pixels);
      CHECK(cpu::NarrowLabels(std::span<const int64_t>(labels), 3, 255, out).count == 0);
      CHECK(std::equal(out.begin(), out.end(), labels.begin()));
    });
    labels[pixels - 1] = int64_t{1} << 40;
    labels[pixels / 2] = -1;
    EverywhereAtAnyThreadCount([&] {
      std::vector<uint8_t> out(pixels);
      const StrayLabels stray = cpu::NarrowLabels(std::span<const int64_t>(labels), 3, 255, out);
      CHECK(stray.count == (pixels == 1 ? 1 : 2));
      CHECK(stray.first == pixels / 2 && stray.value == -1);
      CHECK(out[pixels / 2] == 0 && out[pixels - 1] == 0);
    });
  }
}

TEST(NarrowLabelsRefusesWhatBytesDoNotHold) {
  const std::vector<int64_t> labels(4);
  std::vector<uint8_t> out(4);
  const LabelSpan span = std::span<const int64_t>(labels);
  CHECK_THROWS(cpu::NarrowLabels(span, 257, std::nullopt, out), "classes: expected at most 256");
  CHECK_THROWS(cpu::NarrowLabels(span, 2, -1, out), "ignore: expected 0 to 255");
  CHECK(cpu::NarrowLabels(span, 257, -1, {}).count == 0);
}

TEST(InspectValuesFindsTheFirstOfEach) {
  constexpr int64_t kPixels = 9001;
  const std::vector<uint8_t> labels(kPixels, 255);
  std::vector<float> values = Equal(4, kPixels);
  const ClassValues maps{std::span<const float>(values), 4, kPixels, {}, std::nullopt};
  const ValueLimits limits{-1e-5, 1 + 1e-5, 0.999, 1.001};
  EverywhereAtAnyThreadCount([&] {
    const ValueFindings found = cpu::InspectValues(maps, limits);
    CHECK(found.within_unit && found.values.count == 0 && found.sums.count == 0);
  });
  values[2 * kPixels + 8000] = kNan;
  values[kPixels + 4000] = 3;
  EverywhereAtAnyThreadCount([&] {
    const ValueFindings found = cpu::InspectValues(maps, limits);
    CHECK(!found.within_unit && found.values.count == 2 && found.values.first == kPixels + 4000);
    CHECK(found.sums.count == 2 && found.sums.first == 4000 && found.sum == 3.75);
    ClassValues ignoring = maps;
    ignoring.labels = std::span<const uint8_t>(labels);
    ignoring.ignore = 255;
    const ValueFindings rest = cpu::InspectValues(ignoring, limits);
    CHECK(!rest.within_unit && rest.values.count == 0 && rest.sums.count == 0);
  });
}

TEST(ToProbabilitiesIsTheSameAtAnyThreadCount) {
  constexpr int64_t kPixels = 9001;
  std::vector<float> values(3 * kPixels);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 30 * std::sin(static_cast<float>(i));
  const ClassValues maps{std::span<const float>(values), 3, kPixels, {}, std::nullopt};
  EverywhereAtAnyThreadCount([&] {
    std::vector<float> out(values.size());
    CHECK(cpu::ToProbabilities(maps, ValueTransform::kSoftmax, 0, out).count == 0);
    for (int64_t i = 0; i < kPixels; ++i) {
      double sum = 0;
      for (int64_t c = 0; c < 3; ++c) sum += std::exp(static_cast<double>(values[c * kPixels + i]));
      for (int64_t c = 0; c < 3; ++c) {
        const double p = std::exp(static_cast<double>(values[c * kPixels + i])) / sum;
        CHECK(std::abs(out[c * kPixels + i] - p) <= 2e-7 * p, "pixel ", i);
      }
    }
  });
  values[5000] = std::numeric_limits<float>::infinity();
  std::vector<float> out(values.size());
  const Outside outside = cpu::ToProbabilities(maps, ValueTransform::kSoftmax, 0, out);
  CHECK(outside.count == 1 && outside.first == 5000);
  CHECK_THROWS(cpu::ToProbabilities(maps, ValueTransform::kSigmoid, 0, out),
               "values: expected 1 or 2 classes");
}

}  // namespace
}  // namespace pixelcal::test
