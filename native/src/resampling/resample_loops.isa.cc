#include "resampling/resample_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// Sums begin at 0, so that -0 becomes 0.
template <int kTaps>
void RowsOf(const float* in, const int32_t* index, const double* weight, size_t count,
            float* __restrict out) {
  const float* row[kTaps];
  for (int tap = 0; tap < kTaps; ++tap) row[tap] = in + static_cast<size_t>(index[tap]) * count;
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int tap = 0; tap < kTaps; ++tap) sum += weight[tap] * static_cast<double>(row[tap][i]);
    out[i] = static_cast<float>(sum);
  }
}

template <int kTaps>
void LineOf(const float* in, const int32_t* index, const double* weight, size_t count,
            float* __restrict out) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int tap = 0; tap < kTaps; ++tap)
      sum += weight[tap * count + i] * static_cast<double>(in[index[tap * count + i]]);
    out[i] = static_cast<float>(sum);
  }
}

void Rows(const float* in, const int32_t* index, const double* weight, int taps, size_t count, float* out) {
  if (taps == 1) return RowsOf<1>(in, index, weight, count, out);
  if (taps == 2) return RowsOf<2>(in, index, weight, count, out);
  RowsOf<4>(in, index, weight, count, out);
}

void Line(const float* in, const int32_t* index, const double* weight, int taps, size_t count, float* out) {
  if (taps == 1) return LineOf<1>(in, index, weight, count, out);
  if (taps == 2) return LineOf<2>(in, index, weight, count, out);
  LineOf<4>(in, index, weight, count, out);
}

}  // namespace

extern const ResampleTable kResample;
const ResampleTable kResample{Rows, Line};

}  // namespace pixelcal::simd::PIXELCAL_ISA
