#include "overlap/confusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"
#include "labels/pixel_rows_loops.h"
#include "probability_case.h"

namespace pixelcal::test {
namespace {

std::vector<int32_t> ArgMaxTwin(const ProbabilityCase& made) {
  std::vector<int32_t> winners;
  for (int64_t pixel = 0; pixel < made.batch * made.pixels; ++pixel) {
    const float* p =
        made.probs.data() + pixel / made.pixels * made.classes * made.pixels + pixel % made.pixels;
    int32_t best = 0;
    for (int32_t c = 1; c < made.classes; ++c)
      if (p[c * made.pixels] > p[best * made.pixels]) best = c;
    winners.push_back(best);
  }
  return winners;
}

TEST(ArgMaxEqualsTheTwin) {
  for (const auto& [batch, classes, pixels] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 2, 15}, {3, 3, 17}, {2, 4, 2047}, {1, 4, 2048}, {2, 2, 9001}, {1, 300, 70}})
    for (const bool half : {false, true}) {
      const ProbabilityCase made = MakeCase(batch, classes, pixels, 5, half);
      const std::vector<int32_t> expected = ArgMaxTwin(made);
      EverywhereAtAnyThreadCount([&] {
        std::vector<int32_t> wide(batch * pixels);
        cpu::ArgMax(made.Maps(false, false).probs, batch, classes, pixels, std::span<int32_t>(wide));
        CHECK(wide == expected, "classes ", classes, " pixels ", pixels);
        if (classes > 256) return;
        std::vector<uint8_t> narrow(batch * pixels);
        cpu::ArgMax(made.Maps(false, false).probs, batch, classes, pixels, std::span<uint8_t>(narrow));
        CHECK(std::equal(narrow.begin(), narrow.end(), expected.begin()));
      });
    }
}

TEST(ArgMaxOfAnyNumbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // 20 pixels, so that NaN is in whole vectors and in the rest.
  std::vector<float> values;
  for (const float value : {-kInfinity, -1.0f, kInfinity, -2.0f, 0.0f})
    values.insert(values.end(), 20, value);
  std::vector<uint8_t> out(20);
  ForEachIsa([&] {
    const FloatSpan all{std::span<const float>(values)};
    cpu::ArgMax(all, 1, 5, 20, std::span<uint8_t>(out));
    CHECK(out == std::vector<uint8_t>(20, 2));
    for (const int64_t pixel : {0, 19})
      for (const int64_t c : {0, 4}) {
        std::vector<float> broken = values;
        broken[c * 20 + pixel] = std::nanf("");
        const std::string expected = "values: NaN at pixel " + std::to_string(pixel) + " (1 such pixels)";
        CHECK_THROWS(cpu::ArgMax(std::span<const float>(broken), 1, 5, 20, std::span<uint8_t>(out)),
                     expected);
      }
    const std::vector<uint16_t> halves{0x3c00, 0x7e00};
    CHECK_THROWS(cpu::ArgMax(std::span<const uint16_t>(halves), 1, 1, 2, std::span<uint8_t>(out).first(2)),
                 "values: NaN at pixel 1");
    CHECK_THROWS(cpu::ArgMax(all, 1, 1, 2, std::span<uint8_t>(out)), "values: expected 2, got 100");
  });
}

TEST(EveryFloat16IsWidened) {
  std::vector<uint16_t> halves(0x10000);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  ForEachIsa([&] {
    std::vector<float> wide(halves.size());
    for (const size_t start : {size_t{0}, size_t{3}}) {
      PixelRowsLoops().widen(halves.data() + start, halves.size() - start, wide.data() + start);
      for (size_t i = start; i < halves.size(); ++i) {
        const float expected = FromHalf(halves[i]);
        CHECK(std::isnan(expected) ? std::isnan(wide[i]) : wide[i] == expected, i);
        CHECK(std::signbit(wide[i]) == std::signbit(expected) || std::isnan(expected), i);
      }
    }
  });
}

TEST(ConfusionCountsEqualTheTwin) {
  for (const auto& [batch, classes, pixels] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {2, 2, 31}, {1, 3, 33}, {2, 4, 5000}, {1, 4, 70000}, {1, 40, 3000}}) {
    const ProbabilityCase made = MakeCase(batch, classes, pixels, 5);
    const std::vector<int32_t> guess = ArgMaxTwin(made);
    std::vector<uint8_t> bytes(guess.begin(), guess.end());
    std::vector<int64_t> longs(made.labels.begin(), made.labels.end());
    for (const bool masked : {false, true}) {
      std::vector<double> expected(batch * classes * classes);
      for (int64_t pixel = 0; pixel < batch * pixels; ++pixel)
        if (made.labels[pixel] >= 0 && (!masked || made.mask[pixel]))
          ++expected[(pixel / pixels * classes + made.labels[pixel]) * classes + guess[pixel]];
      const std::span<const uint8_t> mask = masked ? made.mask : std::span<const uint8_t>();
      EverywhereAtAnyThreadCount([&] {
        std::vector<double> counts(expected.size(), -1);
        cpu::ConfusionCounts(std::span<const int32_t>(guess), std::span<const int32_t>(made.labels), batch,
                             classes, pixels, ProbabilityCase::kIgnored, mask, counts);
        CHECK(counts == expected, "classes ", classes, " pixels ", pixels);
        std::fill(counts.begin(), counts.end(), -1);
        cpu::ConfusionCounts(std::span<const uint8_t>(bytes), std::span<const int64_t>(longs), batch, classes,
                             pixels, ProbabilityCase::kIgnored, mask, counts);
        CHECK(counts == expected, "classes ", classes, " pixels ", pixels);
      });
    }
  }
}

TEST(ConfusionCountsReject) {
  const ProbabilityCase made = MakeCase(2, 4, 5000, 5);
  const std::vector<int32_t> zeros(10000);
  const std::span<const int32_t> predicted(zeros), labels(made.labels);
  std::vector<double> counts(32);
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 5000, {}, {}, counts),
               "labels: expected classes 0 to 3, got -7");
  CHECK_THROWS(cpu::ConfusionCounts(labels, predicted, 2, 4, 5000, {}, {}, counts),
               "predicted: expected classes 0 to 3, got -7");
  // Under an ignored label any prediction is accepted.
  cpu::ConfusionCounts(labels, labels, 2, 4, 5000, -7, {}, counts);
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 4000, {}, {}, counts),
               "predicted: expected 8000 pixels");
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 5000, -7, std::span(made.mask).first(3), counts),
               "mask: expected 10000 pixels, got 3");
}

}  // namespace
}  // namespace pixelcal::test
