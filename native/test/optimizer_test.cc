#include "optimizer/optimizer.h"

#include "cases.h"
#include "check.h"
#include "isa.h"

using namespace pixelcal;

namespace {

std::vector<float> Numbers(size_t count, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(noise.Uniform() - 0.5);
  return numbers;
}

const std::vector<size_t> kLengths{1, 7, 33, 0, 40000};

struct State {
  std::vector<std::vector<float>> values, gradients, first, second;
  State() {
    for (size_t i = 0; i < kLengths.size(); ++i) {
      values.push_back(Numbers(kLengths[i], i + 1));
      gradients.push_back(Numbers(kLengths[i], i + 100));
      first.emplace_back(kLengths[i], 0.0f);
      second.emplace_back(kLengths[i], 0.0f);
    }
  }
  double Decay(size_t array) const { return array == 1 ? 0 : 0.05; }
  std::vector<AdamwParameter> ForAdamw() {
    std::vector<AdamwParameter> list;
    for (size_t i = 0; i < values.size(); ++i)
      list.push_back({values[i], gradients[i], first[i], second[i], Decay(i)});
    return list;
  }
  std::vector<SgdParameter> ForSgd(bool momentum) {
    std::vector<SgdParameter> list;
    for (size_t i = 0; i < values.size(); ++i)
      list.push_back(
          {values[i], gradients[i], momentum ? std::span(first[i]) : std::span<float>(), Decay(i)});
    return list;
  }
};

bool Near(float a, double b) { return std::abs(a - b) <= 5e-7 * std::max(1.0, std::abs(b)); }

}  // namespace

TEST(AdamwEqualsFormula) {
  State state;
  const State start;
  for (int64_t step = 1; step <= 5; ++step) {
    cpu::Adamw(state.ForAdamw(), {.learning_rate = 0.01, .beta2 = 0.99, .step = step, .gradient_scale = 0.5});
  }
  for (size_t i = 0; i < kLengths.size(); ++i) {
    for (size_t j = 0; j < kLengths[i]; ++j) {
      double value = start.values[i][j], m = 0, v = 0;
      for (int step = 1; step <= 5; ++step) {
        const double g = 0.5 * start.gradients[i][j];
        value *= 1 - 0.01 * start.Decay(i);
        m = 0.9 * m + 0.1 * g;
        v = 0.99 * v + 0.01 * g * g;
        value -= 0.01 * (m / (1 - std::pow(0.9, step))) / (std::sqrt(v / (1 - std::pow(0.99, step))) + 1e-8);
      }
      CHECK(Near(state.values[i][j], value), i, " ", j, " ", state.values[i][j], " not ", value);
    }
  }
}

TEST(SgdEqualsFormula) {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      if (nesterov && momentum == 0) continue;
      State state;
      const State start;
      for (int step = 0; step < 4; ++step)
        cpu::Sgd(state.ForSgd(momentum > 0),
                 {.learning_rate = 0.1, .momentum = momentum, .nesterov = nesterov});
      for (size_t i = 0; i < kLengths.size(); ++i) {
        for (size_t j = 0; j < kLengths[i]; ++j) {
          double value = start.values[i][j], velocity = 0;
          for (int step = 0; step < 4; ++step) {
            const double g = start.gradients[i][j] + start.Decay(i) * value;
            velocity = momentum * velocity + g;
            value -= 0.1 * (nesterov ? g + momentum * velocity : velocity);
          }
          CHECK(Near(state.values[i][j], value), i, " ", j);
        }
      }
    }
  }
}

TEST(OptimizersAreTheSameAtAnyThreadCountAndInstructionSet) {
  std::vector<State> states;
  std::vector<double> norms;
  test::EverywhereAtAnyThreadCount([&] {
    State& state = states.emplace_back();
    cpu::Adamw(state.ForAdamw(), {});
    cpu::Sgd(state.ForSgd(false), {});
    cpu::Sgd(state.ForSgd(true), {.momentum = 0.9});
    cpu::Sgd(state.ForSgd(true), {.momentum = 0.9, .nesterov = true});
    std::vector<std::span<const float>> gradients(state.gradients.begin(), state.gradients.end());
    norms.push_back(cpu::GradientNorm(gradients));
  });
  for (const State& state : states) CHECK(state.values == states[0].values);
  for (const double norm : norms) CHECK(norm == norms[0]);
  double total = 0;
  for (const auto& gradient : states[0].gradients)
    for (const float g : gradient) total += static_cast<double>(g) * g;
  CHECK(std::abs(norms[0] - std::sqrt(total)) <= 1e-12 * norms[0]);
  CHECK(cpu::GradientNorm({}) == 0);
}

TEST(OptimizersRejectBadArguments) {
  State state;
  const auto adamw = state.ForAdamw();
  CHECK_THROWS(cpu::Adamw(adamw, {.step = 0}), "step: expected");
  CHECK_THROWS(cpu::Adamw(adamw, {.beta1 = 1}), "beta1: expected");
  CHECK_THROWS(cpu::Adamw(adamw, {.beta2 = -0.1}), "beta2: expected");
  CHECK_THROWS(cpu::Adamw(adamw, {.learning_rate = NAN}), "learningRate: expected");
  CHECK_THROWS(cpu::Adamw(adamw, {.epsilon = -1}), "epsilon: expected");
  CHECK_THROWS(cpu::Adamw(adamw, {.gradient_scale = INFINITY}), "gradientScale: expected");
  auto short_gradient = adamw;
  short_gradient[1].gradient = short_gradient[1].gradient.first(3);
  CHECK_THROWS(cpu::Adamw(short_gradient, {}), "gradients[1]: expected 7 elements, got 3");
  CHECK_THROWS(cpu::Sgd(state.ForSgd(false), {.momentum = 0.9}), "velocities[0]: expected 1 elements, got 0");
  CHECK_THROWS(cpu::Sgd(state.ForSgd(false), {.nesterov = true}), "nesterov: expected");
  CHECK_THROWS(cpu::Sgd(state.ForSgd(false), {.momentum = 1}), "momentum: expected");
}
