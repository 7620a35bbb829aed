#include "binding/bindings.h"
#include "binding/probability_maps.h"
#include "binding/temperature_numbers.h"

namespace pixelcal {
namespace {

Task TemperatureSketch(Arguments& arguments) {
  const ProbabilityMaps maps = ReadMaps(arguments);
  const auto out = arguments.New<double>(kTemperatureNumbers);
  return {[=] { CopyTemperatures(cpu::Temperatures(maps), out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"temperatureSketch", TemperatureSketch}};

}  // namespace

std::span<const Entry> TemperatureBindings() { return kEntries; }

}  // namespace pixelcal
