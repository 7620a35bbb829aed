#pragma once

#include <span>

#include "base/shape.h"
#include "calibrators/fit_pixels.h"

namespace pixelcal {

// Filters that see `taps` pixels per axis (odd), `dilation` pixels apart; beyond the border they see the
// border's values.
struct FilterTaps {
  int64_t taps = 1, dilation = 1;
};

// One image: logits [classes, pixels].
struct LogitImage {
  std::span<const float> logits;
  Grid grid;
  int64_t classes = 1;
};

namespace cpu {

// The numbers of a filter's inputs that are fitted at most.
inline constexpr int64_t kMaxFilterInputs = 1 << 17;
// The least temperature.
inline constexpr double kLeastTemperature = 0.05;

// Returns the number of inputs of a filter: classes x taps^rank.
int64_t FilterInputs(const FilterTaps& taps, int64_t classes, int rank);

// Writes the centred logits that filters see at the pixels `at`: class by class, each the taps in the order
// of the axes, [inputs, at]. O(inputs x at).
void Neighbourhoods(const LogitImage& image, const FilterTaps& taps, std::span<const int32_t> at,
                    std::span<float> out);

// Writes 1 / T at the pixels `at`, all without: T = max(T1 g + T2 (1 - g), 0.05) with T1 = f1 + 1, T2 = f2 +
// 1 and g = 1 / (1 + e^-f3), f = filters * z + biases; parameters [3, inputs + 1], the bias last.
void LocalScales(const LogitImage& image, const FilterTaps& taps, std::span<const double> parameters,
                 std::span<const int32_t> at, std::span<float> out);

// Sums the weight, the loss -ln softmax(z / T)[label] and its derivatives by the parameters of LocalScales
// over the pixels of the ranges, whose neighbourhoods are [inputs, pixels]: sums [2 + 3 (inputs + 1)].
void LocalSums(const FitPixels& pixels, std::span<const float> neighbourhoods,
               std::span<const double> parameters, std::span<double> sums);

}  // namespace cpu
}  // namespace pixelcal
