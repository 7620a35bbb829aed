#include "soft_labels/image_window_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// Returns exp(-x) for x >= 0, to about 2 units of the last place; exp(-86), about 4e-38, beyond. Without
// fused operations, so that it is the same everywhere: exp(-x) = 2^n exp(r), |r| <= ln(2) / 2, by Taylor's
// series.
PIXELCAL_INLINE float ExpOfMinus(float x) {
  const float argument = x < 86.0f ? -x : -86.0f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to whole numbers
  const float shifted = argument * 1.44269504f + kRound, n = shifted - kRound;
  const float r = (argument - n * 0.693359375f) - n * -2.12194440e-4f;  // ln(2) in two parts
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  // The power of two goes straight into the exponent, which cannot leave its range.
  const int32_t exponent = __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, kRound);
  return __builtin_bit_cast(float, __builtin_bit_cast(int32_t, series) + exponent * (1 << 23));
}

template <ImageWeight kKind>
PIXELCAL_INLINE void WeighBy(const float* line, const float* own, const float* counted, float tap,
                             size_t count, float* weights, float* total) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float e = __builtin_fabsf(line[i] - own[i]);
    const float weight = kKind == ImageWeight::kDifference ? tap * e
                         : kKind == ImageWeight::kExpL1    ? ExpOfMinus(e)
                                                           : ExpOfMinus(e * e);
    weights[i] = weight * counted[i];
    total[i] += kKind == ImageWeight::kDifference ? counted[i] : weights[i];
  }
}

void Weigh(ImageWeight kind, const float* line, const float* own, const float* counted, float tap,
           size_t count, float* weights, float* total) {
  switch (kind) {
    case ImageWeight::kDifference:
      return WeighBy<ImageWeight::kDifference>(line, own, counted, tap, count, weights, total);
    case ImageWeight::kExpL1:
      return WeighBy<ImageWeight::kExpL1>(line, own, counted, tap, count, weights, total);
    case ImageWeight::kExpL2:
      return WeighBy<ImageWeight::kExpL2>(line, own, counted, tap, count, weights, total);
  }
}

void Members(const uint8_t* bits, int bit, size_t count, float* members) {
  const auto mask = static_cast<uint8_t>(1 << bit);
#pragma omp simd
  for (size_t i = 0; i < count; ++i) members[i] = (bits[i] & mask) != 0 ? 1.0f : 0.0f;
}

void AddProducts(const float* weights, size_t stride, size_t taps, const float* members, size_t count,
                 float* sum) {
  size_t i = 0;
  for (; i + kLanesOf<float> <= count; i += kLanesOf<float>) {
    Vec<float> row{};
    for (size_t t = 0; t < taps; ++t) row += Load(weights + t * stride + i) * Load(members + i + t);
    Store(sum + i, Load(sum + i) + row);
  }
  for (; i < count; ++i) {
    float row = 0;
    for (size_t t = 0; t < taps; ++t) row += weights[t * stride + i] * members[i + t];
    sum[i] += row;
  }
}

}  // namespace

extern const ImageWindowTable kImageWindow;
const ImageWindowTable kImageWindow{Weigh, Members, AddProducts};

}  // namespace pixelcal::simd::PIXELCAL_ISA
