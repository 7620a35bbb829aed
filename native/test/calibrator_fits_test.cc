#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "calibrators/calibrate.h"
#include "calibrators/linear_sums.h"
#include "calibrators/log_odds.h"
#include "calibrators/pixel_features.h"
#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

constexpr int64_t kClasses = 3, kPixels = 1030, kCells = 2;

struct Made {
  std::vector<float> logits, weights;
  std::vector<uint16_t> labels, cells;
  FitPixels Pixels() const {
    return {logits, labels, cells, {}, weights, {}, kClasses, kPixels, {0, 500, 700, kPixels}};
  }
};

Made Make() {
  Noise noise(12);
  Made made;
  for (int64_t i = 0; i < kClasses * kPixels; ++i)
    made.logits.push_back(static_cast<float>(6 * noise.Uniform() - 3));
  for (int64_t i = 0; i < kPixels; ++i) {
    made.labels.push_back(static_cast<uint16_t>(noise.Next() % kClasses));
    made.cells.push_back(static_cast<uint16_t>(noise.Next() % kCells));
    made.weights.push_back(static_cast<float>(1 + noise.Next() % 3));
  }
  return made;
}

bool Counts(int64_t i) { return i < 500 || i >= 700; }

// Returns the centred logits of a pixel, or ln softmax of at least `least`.
std::vector<double> Inputs(const Made& made, int64_t i, bool logs, double least) {
  std::vector<double> z;
  double mean = 0, sum = 0;
  for (int64_t c = 0; c < kClasses; ++c) mean += z.emplace_back(made.logits[c * kPixels + i]) / kClasses;
  for (double& value : z) sum += std::exp(value -= mean);
  if (logs)
    for (double& value : z) value = std::max(value - std::log(sum), least);
  return z;
}

// The mean loss of a linear model by its definition.
double Loss(const Made& made, const LinearModel& model, const std::vector<double>& parameters, int64_t cell) {
  double loss = 0;
  for (int64_t i = 0; i < kPixels; ++i) {
    const int64_t k = model.kind == LinearKind::kAffine ? made.cells[i] : 0;
    if (!Counts(i) || k != cell) continue;
    const std::vector<double> x = Inputs(made, i, model.log_probabilities, model.least_log);
    double sum = 0, own = 0;
    for (int64_t c = 0; c < kClasses; ++c) {
      double u = 0;
      if (model.kind == LinearKind::kAffine)
        u = parameters[k * 4] * x[c] + parameters[k * 4 + 1 + c];
      else if (model.kind == LinearKind::kVector)
        u = parameters[2 * c] * x[c] + parameters[2 * c + 1];
      else
        for (int64_t j = 0; j <= kClasses; ++j)
          u += parameters[c * (kClasses + 1) + j] * (j < kClasses ? x[j] : 1);
      sum += std::exp(u);
      if (c == made.labels[i]) own = u;
    }
    loss += made.weights[i] * (std::log(sum) - own);
  }
  return loss;
}

TEST(LinearSumsEqualDifferencesOfTheTwin) {
  const Made made = Make();
  for (const LinearKind kind : {LinearKind::kAffine, LinearKind::kVector, LinearKind::kMatrix})
    for (const bool logs : {false, true}) {
      Noise noise(3);
      const int64_t count = cpu::LinearParameters(kind, kClasses), size = 2 + count + count * count;
      const int64_t cells = kind == LinearKind::kAffine ? kCells : 1;
      std::vector<double> parameters;
      for (int64_t i = 0; i < cells * count; ++i) parameters.push_back(0.3 + noise.Uniform());
      const LinearModel model{kind, parameters, -3, logs};
      const auto shifted = [&](int64_t k, std::initializer_list<std::pair<int64_t, double>> moves) {
        std::vector<double> moved = parameters;
        for (const auto& [i, step] : moves) moved[k * count + i] += step;
        return Loss(made, model, moved, k);
      };
      std::vector<double> first;
      EverywhereAtAnyThreadCount([&] {
        std::vector<double> sums(cells * size);
        cpu::LinearSums(made.Pixels(), model, sums);
        if (first.empty()) first = sums;
        CHECK(sums == first, "other bits");
      });
      constexpr double kStep = 1e-4;
      for (int64_t k = 0; k < cells; ++k) {
        const double* at = first.data() + k * size;
        CHECK(std::abs(at[1] - shifted(k, {})) < 1e-8);
        for (int64_t i = 0; i < count; ++i) {
          const double slope = (shifted(k, {{i, kStep}}) - shifted(k, {{i, -kStep}})) / (2 * kStep);
          CHECK(std::abs(at[2 + i] - slope) < 1e-3, at[2 + i], " for ", slope);
          for (int64_t j = 0; j < count; ++j) {
            const double bend =
                (shifted(k, {{i, kStep}, {j, kStep}}) - shifted(k, {{i, kStep}, {j, -kStep}}) -
                 shifted(k, {{i, -kStep}, {j, kStep}}) + shifted(k, {{i, -kStep}, {j, -kStep}})) /
                (4 * kStep * kStep);
            CHECK(std::abs(at[2 + count + i * count + j] - bend) < 1e-2, "kind ", static_cast<int>(kind), " ",
                  i, " ", j, ": ", at[2 + count + i * count + j], " for ", bend);
          }
        }
      }
    }
}

TEST(LevelsAndFeaturesEqualTheTwin) {
  const Made made = Make();
  std::vector<double> expected(kClasses * kLevels * 3);
  double entropy = 0;
  const std::vector<double> knots{-3, -1, 0, 0.05};
  std::vector<double> place;
  for (int64_t i = 0; i < kPixels; ++i) {
    const std::vector<double> logs = Inputs(made, i, true, -1e9);
    double h = 0;
    for (int64_t c = 0; c < kClasses; ++c) {
      h -= std::exp(logs[c]) * logs[c];
      const double x = logs[c] - std::log1p(-std::exp(logs[c]));
      if (!Counts(i)) continue;
      double* at = expected.data() + (c * kLevels + LogOddsLevel(x)) * 3;
      at[0] += made.weights[i];
      at[1] += made.labels[i] == c ? made.weights[i] : 0;
      at[2] += made.weights[i] * x;
    }
    entropy += h / kPixels;
    const double x = std::clamp(std::log(h), knots.front(), knots.back());
    size_t k = 0;
    while (k + 2 < knots.size() && x >= knots[k + 1]) ++k;
    place.push_back(static_cast<double>(k) + (x - knots[k]) / (knots[k + 1] - knots[k]));
  }
  EverywhereAtAnyThreadCount([&] {
    std::vector<double> sums(expected.size());
    cpu::LevelSums(made.Pixels(), sums);
    double off = 0;
    for (size_t i = 0; i < sums.size(); ++i) off = std::max(off, std::abs(sums[i] - expected[i]));
    CHECK(off < 1e-9, off);
    CHECK(std::abs(cpu::MeanEntropy(made.Pixels()) - entropy) < 1e-12);
    std::vector<uint16_t> cells(kPixels);
    std::vector<float> fractions(kPixels);
    cpu::EntropyPlaces(made.Pixels(), knots, cells, fractions);
    for (int64_t i = 0; i < kPixels; ++i)
      CHECK(std::abs(cells[i] + static_cast<double>(fractions[i]) - place[i]) < 1e-6);
  });
}

TEST(WrongnessSumsEqualDifferencesOfTheTwin) {
  const Made made = Make();
  const std::vector<double> weights{-0.4, 0.3, 0.5, -0.2};
  const auto features = [&](int64_t i) {
    std::vector<double> logs = Inputs(made, i, true, -1e9);
    double h = 0;
    for (const double value : logs) h -= std::exp(value) * value;
    std::ranges::sort(logs, std::greater<>());
    return std::array{1.0, logs[0] - std::log1p(-std::exp(logs[0])), std::log(h), logs[0] - logs[1]};
  };
  const auto wrong = [&](int64_t i) {
    const std::vector<double> z = Inputs(made, i, false, 0);
    return std::ranges::max_element(z) - z.begin() != made.labels[i];
  };
  double loss = 0;
  std::array<double, 4> gradient{};
  std::vector<uint16_t> expected;
  for (int64_t i = 0; i < kPixels; ++i) {
    double u = 0;
    for (size_t j = 0; j < 4; ++j) u += features(i)[j] * weights[j];
    expected.push_back(u > 0);
    if (!Counts(i)) continue;
    loss += made.weights[i] * (std::log1p(std::exp(u)) - (wrong(i) ? u : 0));
    for (size_t j = 0; j < 4; ++j)
      gradient[j] += made.weights[i] * (1 / (1 + std::exp(-u)) - wrong(i)) * features(i)[j];
  }
  EverywhereAtAnyThreadCount([&] {
    std::vector<double> sums(22);
    cpu::WrongnessSums(made.Pixels(), weights, sums);
    CHECK(std::abs(sums[1] - loss) < 1e-8);
    for (size_t j = 0; j < 4; ++j) CHECK(std::abs(sums[2 + j] - gradient[j]) < 1e-8);
    std::vector<uint16_t> cells(kPixels);
    cpu::WrongnessCells(made.Pixels(), weights, cells);
    CHECK(cells == expected);
  });
}

}  // namespace
}  // namespace pixelcal::test
