#include "calibration/temperature.h"

#include "check.h"
#include "isa.h"
#include "probability_case.h"

using namespace pixelcal;

namespace {

bool Near(double got, double expected) {
  return std::abs(got - expected) <= 1e-9 * std::max(1.0, std::abs(expected));
}

// The sums from the definition, by the moments of ln p under each tempered distribution.
TemperatureSums Twin(const test::ProbabilityCase& made, const ProbabilityMaps& maps) {
  TemperatureSums sums;
  for (int64_t pixel = 0; pixel < maps.batch * maps.pixels; ++pixel) {
    if (made.labels[pixel] == *maps.ignore || (!maps.mask.empty() && !maps.mask[pixel])) continue;
    std::vector<double> logs;
    double most = -1e300;
    for (int64_t c = 0; c < maps.classes; ++c) {
      const float p =
          made.probs[(pixel / maps.pixels * maps.classes + c) * maps.pixels + pixel % maps.pixels];
      logs.push_back(std::log(static_cast<double>(std::abs(p))));
      most = std::max(most, logs.back());
    }
    const double own = logs[made.labels[pixel]];
    if (std::isinf(own)) {
      sums.impossible += 1;
      continue;
    }
    sums.count += 1;
    for (int point = 0; point < kTemperaturePoints; ++point) {
      const double beta = InverseTemperature(point);
      double all = 0, mean = 0, curvature = 0, third = 0;
      for (const double log : logs) all += std::exp(beta * (log - most));
      const auto share = [&](double log) { return std::exp(beta * (log - most)) / all; };
      for (const double log : logs)
        if (!std::isinf(log)) mean += share(log) * log;
      for (const double log : logs) {
        if (std::isinf(log)) continue;
        curvature += share(log) * std::pow(log - mean, 2);
        third += share(log) * std::pow(log - mean, 3);
      }
      sums.slope[point] += mean - own;
      sums.curvature[point] += curvature;
      sums.third[point] += third;
      if (beta == 1) sums.loss += std::log(all) + most - own;
    }
  }
  return sums;
}

}  // namespace

TEST(TemperaturesEqualTheDefinition) {
  CHECK(InverseTemperature(0) == 0.0625 && InverseTemperature(16) == 1 && InverseTemperature(32) == 16);
  CHECK(InverseTemperature(17) == 1.25);
  unsigned seed = 90;
  for (const int64_t classes : {1, 2, 5}) {
    for (const int64_t pixels : {1, 7, 2500, 9000}) {
      ++seed;
      const auto made = test::MakeCase(2, classes, pixels, seed, seed % 2);
      const ProbabilityMaps maps = made.Maps(seed % 3 == 0, false);
      const TemperatureSums expected = Twin(made, maps), sums = cpu::Temperatures(maps);
      CHECK(sums.count == expected.count && sums.impossible == expected.impossible, "seed ", seed);
      CHECK(Near(sums.loss, expected.loss), "seed ", seed);
      for (size_t i = 0; i < sums.slope.size(); ++i)
        CHECK(Near(sums.slope[i], expected.slope[i]) && Near(sums.curvature[i], expected.curvature[i]) &&
                  Near(sums.third[i], expected.third[i]),
              "seed ", seed, " point ", i, ": ", sums.third[i], " not ", expected.third[i]);
      test::EverywhereAtAnyThreadCount([&] {
        const TemperatureSums again = cpu::Temperatures(maps);
        CHECK(again.slope == sums.slope && again.third == sums.third && again.loss == sums.loss);
      });
    }
  }
}

TEST(TemperaturesOfTwoClassesAtEveryRatio) {
  constexpr int64_t kPixels = 40000;
  test::ProbabilityCase made = test::MakeCase(1, 2, kPixels, 7, false);
  for (int64_t i = 0; i < kPixels; ++i) {
    // From equal probabilities to the least one that float32 has, and certainty.
    const double d = 103.0 * std::pow(static_cast<double>(i) / kPixels, 4);
    const auto least = static_cast<float>(0.5 * std::exp(-d));
    const float most = i % 7 == 0 ? 0.5f : 1.0f - least;
    made.probs[i % 3 == 0 ? i : kPixels + i] = least;
    made.probs[i % 3 == 0 ? kPixels + i : i] = most;
  }
  const ProbabilityMaps maps = made.Maps(false, false);
  const TemperatureSums expected = Twin(made, maps), sums = cpu::Temperatures(maps);
  CHECK(sums.count == expected.count && sums.impossible == expected.impossible);
  CHECK(Near(sums.loss, expected.loss), sums.loss, " not ", expected.loss);
  for (size_t i = 0; i < sums.slope.size(); ++i)
    CHECK(Near(sums.slope[i], expected.slope[i]) && Near(sums.curvature[i], expected.curvature[i]) &&
              Near(sums.third[i], expected.third[i]),
          "point ", i, ": ", sums.slope[i], " not ", expected.slope[i]);
}
