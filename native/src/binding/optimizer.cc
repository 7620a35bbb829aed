#include "optimizer/optimizer.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

// Reads one number for all arrays, or one per array.
std::vector<double> WeightDecay(const Arguments& arguments, size_t count) {
  if (!arguments.Has("weightDecay")) return std::vector<double>(count, 0.0);
  if (!arguments.IsArray("weightDecay")) return std::vector<double>(count, arguments.Number("weightDecay"));
  std::vector<double> decay = arguments.Numbers("weightDecay");
  Require(decay.size() == count, "weightDecay: expected ", count, " numbers, got ", decay.size());
  return decay;
}

void CheckCount(const char* name, size_t count, size_t expected) {
  Require(count == expected, name, ": expected ", expected, " arrays, got ", count);
}

const auto kNothing = [](Napi::Env env) -> Napi::Value { return env.Undefined(); };

Task Adamw(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto values = arguments.MutableArrays<float>("parameters");
  const auto gradients = arguments.Arrays<float>("gradients");
  const auto averages = arguments.MutableArrays<float>("averages");
  const auto squares = arguments.MutableArrays<float>("squares");
  const auto decay = WeightDecay(arguments, values.size());
  CheckCount("gradients", gradients.size(), values.size());
  CheckCount("averages", averages.size(), values.size());
  CheckCount("squares", squares.size(), values.size());
  AdamwOptions options;
  options.learning_rate = arguments.Number("learningRate");
  options.beta1 = arguments.Number("beta1", options.beta1);
  options.beta2 = arguments.Number("beta2", options.beta2);
  options.epsilon = arguments.Number("epsilon", options.epsilon);
  options.step = arguments.Integer("step");
  options.gradient_scale = arguments.Number("gradientScale", 1);
  std::vector<AdamwParameter> parameters;
  for (size_t i = 0; i < values.size(); ++i)
    parameters.push_back({values[i], gradients[i], averages[i], squares[i], decay[i]});
  return {[=] { PIXELCAL_ON(on_cuda, Adamw(parameters, options)); }, kNothing, true};
}

Task Sgd(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto values = arguments.MutableArrays<float>("parameters");
  const auto gradients = arguments.Arrays<float>("gradients");
  const auto decay = WeightDecay(arguments, values.size());
  SgdOptions options;
  options.learning_rate = arguments.Number("learningRate");
  options.momentum = arguments.Number("momentum", 0);
  options.nesterov = arguments.Flag("nesterov", false);
  options.gradient_scale = arguments.Number("gradientScale", 1);
  CheckCount("gradients", gradients.size(), values.size());
  std::vector<std::span<float>> velocities(values.size());
  if (options.momentum > 0) {
    velocities = arguments.MutableArrays<float>("velocities");
    CheckCount("velocities", velocities.size(), values.size());
  }
  std::vector<SgdParameter> parameters;
  for (size_t i = 0; i < values.size(); ++i)
    parameters.push_back({values[i], gradients[i], velocities[i], decay[i]});
  return {[=] { PIXELCAL_ON(on_cuda, Sgd(parameters, options)); }, kNothing, true};
}

Task GradientNorm(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto gradients = arguments.Arrays<float>("gradients");
  const auto norm = std::make_shared<double>(0);
  return {[=] { *norm = PIXELCAL_ON(on_cuda, GradientNorm(gradients)); },
          [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *norm); }};
}

constexpr Entry kEntries[] = {{"adamw", Adamw}, {"sgd", Sgd}, {"gradientNorm", GradientNorm}};

}  // namespace

std::span<const Entry> OptimizerBindings() { return kEntries; }

}  // namespace pixelcal
