#include "optimizer/optimizer.h"

#include <cmath>

#include "cuda_test.h"

using namespace pixelcal;

namespace {

std::vector<float> Values(size_t count, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(noise.Uniform() - 0.5);
  return values;
}

// Arrays of several lengths with their gradients and two slots of state.
struct Model {
  std::vector<std::vector<float>> values, gradients, first, second;
  Model() {
    for (const size_t count : {size_t{1}, size_t{70}, size_t{20000}}) {
      values.push_back(Values(count, count));
      gradients.push_back(Values(count, count + 1));
      first.push_back(Values(count, count + 2));
      second.push_back(std::vector<float>(count, 0.25f));
    }
  }
  bool operator==(const Model&) const = default;
};

}  // namespace

CUDA_TEST(AdamwEqualsCpu) {
  Model a, b;
  const auto update = [](Model& m, auto function) {
    std::vector<AdamwParameter> parameters;
    for (size_t i = 0; i < m.values.size(); ++i)
      parameters.push_back({m.values[i], m.gradients[i], m.first[i], m.second[i], i * 0.01});
    function(parameters, AdamwOptions{.learning_rate = 0.01, .step = 3, .gradient_scale = 0.5});
  };
  update(a, cpu::Adamw);
  update(b, cuda::Adamw);
  CHECK(a == b);
  CHECK_THROWS(cuda::Adamw({}, {.step = 0}), "step: expected at least 1");
}

CUDA_TEST(SgdEqualsCpu) {
  for (const bool nesterov : {false, true}) {
    for (const double momentum : {0.0, 0.9}) {
      if (nesterov && momentum == 0) continue;
      Model a, b;
      const auto update = [&](Model& m, auto function) {
        std::vector<SgdParameter> parameters;
        for (size_t i = 0; i < m.values.size(); ++i)
          parameters.push_back({m.values[i], m.gradients[i],
                                momentum > 0 ? std::span(m.first[i]) : std::span<float>(), i * 0.01});
        function(parameters, SgdOptions{.momentum = momentum, .nesterov = nesterov});
      };
      update(a, cpu::Sgd);
      update(b, cuda::Sgd);
      CHECK(a == b, "momentum ", momentum, " nesterov ", nesterov);
    }
  }
}

CUDA_TEST(GradientNormEqualsCpu) {
  const Model m;
  const std::vector<std::span<const float>> gradients(m.gradients.begin(), m.gradients.end());
  const double expected = cpu::GradientNorm(gradients);
  CHECK(std::abs(cuda::GradientNorm(gradients) - expected) <= 1e-12 * expected);
  CHECK(cuda::GradientNorm({}) == 0);
}
