#include "optimizer/constraint_sums.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

// The slow twin: pixel by pixel, in one sum.
ConstraintSums Twin(const Constraints& from, const std::vector<int32_t>& labels) {
  ConstraintSums sums;
  const size_t channels = from.multipliers.size();
  sums.pushed.resize(channels);
  sums.constraints.resize(channels);
  sums.seen.resize(channels);
  for (int64_t n = 0; n < from.batch; ++n)
    for (int64_t i = 0; i < from.pixels; ++i) {
      if (labels[static_cast<size_t>(n * from.pixels + i)] == from.ignore) continue;
      ++sums.count;
      double largest = -1e300;
      const auto at = [&](int64_t c) {
        return static_cast<size_t>((n * from.classes + c) * from.pixels + i);
      };
      for (int64_t c = 0; c < from.classes; ++c)
        largest = std::max(largest, static_cast<double>(from.logits[at(c)]));
      for (int64_t c = 0; c < from.classes; ++c) {
        double h = (largest - from.logits[at(c)] - from.margin) / from.margin;
        int64_t channel = c;
        if (!from.targets.empty()) {
          const bool near = from.near[static_cast<size_t>(n * from.pixels + i)] == 1;
          h = std::abs(from.targets[at(c)] * (near ? 1 : from.margin) - from.logits[at(c)]);
          channel = near ? c : from.classes + c;
        }
        const auto k = static_cast<size_t>(channel);
        sums.pushed[k] += std::min(1e6, std::max(1e-6, from.multipliers[k] + from.parameters[k] * h));
        sums.constraints[k] += h;
        sums.seen[k] += 1;
      }
    }
  return sums;
}

TEST(ConstraintSumsEqualTheTwin) {
  for (const bool regions : {false, true})
    for (const int64_t pixels : {int64_t{1}, int64_t{2049}, int64_t{9000}}) {
      Noise noise(6);
      const int64_t batch = 2, classes = 3;
      const auto count = static_cast<size_t>(batch * classes * pixels);
      std::vector<float> logits(count), targets(count), near(static_cast<size_t>(batch * pixels));
      std::vector<int32_t> labels(near.size());
      for (float& value : logits) value = static_cast<float>(12 * noise.Uniform() - 6);
      for (float& value : targets) value = static_cast<float>(noise.Uniform());
      for (float& value : near) value = noise.Uniform() < 0.3 ? 1 : 0;
      for (int32_t& label : labels) label = static_cast<int32_t>(noise.Next() % 3);
      Constraints from;
      from.logits = logits;
      from.labels = std::span<const int32_t>(labels);
      from.batch = batch;
      from.classes = classes;
      from.pixels = pixels;
      from.ignore = 2;
      from.margin = 2;
      if (regions) {
        from.targets = targets;
        from.near = near;
      }
      const size_t channels = regions ? 6 : 3;
      for (size_t i = 0; i < channels; ++i) {
        from.multipliers.push_back(1e-6 + 0.1 * static_cast<double>(i));
        from.parameters.push_back(i == 1 ? 1e7 : 0.5);  // beyond the largest that a sum takes
      }
      const ConstraintSums expected = Twin(from, labels);
      const ConstraintSums first = cpu::SumConstraints(from);
      const auto near_to = [](double a, double b) {
        return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b));
      };
      CHECK(first.count == expected.count);
      for (size_t i = 0; i < channels; ++i) {
        CHECK(near_to(first.pushed[i], expected.pushed[i]), first.pushed[i], " for ", expected.pushed[i]);
        CHECK(near_to(first.constraints[i], expected.constraints[i]), i);
        CHECK(first.seen[i] == expected.seen[i], i);
      }
      EverywhereAtAnyThreadCount([&] {
        const ConstraintSums again = cpu::SumConstraints(from);
        CHECK(again.pushed == first.pushed && again.constraints == first.constraints, "other bits");
      });
    }
}

TEST(ConstraintSumsRefuseWhatDoesNotFit) {
  const std::vector<float> logits(6);
  const std::vector<int32_t> labels(3);
  Constraints from;
  from.logits = logits;
  from.labels = std::span<const int32_t>(labels);
  from.pixels = 3;
  from.multipliers = from.parameters = {0, 0};
  from.margin = 0;
  CHECK_THROWS(cpu::SumConstraints(from), "margin: expected a number above 0, got 0");
  from.margin = 1;
  from.parameters = {0};
  CHECK_THROWS(cpu::SumConstraints(from), "parameters: expected 2 numbers, got 1");
  from.near = std::span<const float>(logits).first(3);
  CHECK_THROWS(cpu::SumConstraints(from), "near: expected 0 elements, got 3");
}

}  // namespace
}  // namespace pixelcal::test
