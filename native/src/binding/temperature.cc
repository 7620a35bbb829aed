#include "calibration/temperature.h"

#include "binding/bindings.h"
#include "binding/probability_maps.h"

namespace pixelcal {
namespace {

Task TemperatureSketch(Arguments& arguments) {
  const ProbabilityMaps maps = ReadMaps(arguments);
  const auto out = arguments.New<double>(3 + 3 * kTemperaturePoints);
  return {[=] {
            const TemperatureSums sums = cpu::Temperatures(maps);
            double* to = out.span.data();
            for (const double sum : {sums.count, sums.impossible, sums.loss}) *to++ = sum;
            for (const auto* part : {&sums.slope, &sums.curvature, &sums.third})
              to = std::copy(part->begin(), part->end(), to);
          },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"temperatureSketch", TemperatureSketch}};

}  // namespace

std::span<const Entry> TemperatureBindings() { return kEntries; }

}  // namespace pixelcal
