#include "calibration/boundary_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

void TakeNearer(const int32_t* segment, int32_t own, const float* to, size_t count, float* near) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) near[i] = ((segment[i] != own) & (to[i] < near[i])) ? to[i] : near[i];
}

void TakeScore(const float* row, int16_t c, const int16_t* codes, size_t count, float* score, int16_t* hit,
               double* of_case) {
  if (c == 0) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) {
      score[i] = row[i];
      hit[i] = codes[i] == 0;
    }
  } else {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) {
      const bool larger = row[i] > score[i];
      score[i] = larger ? row[i] : score[i];
      hit[i] = larger ? static_cast<int16_t>(codes[i] == c) : hit[i];
    }
  }
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const double p = row[i];
    of_case[i] = codes[i] == c ? p : of_case[i];
  }
}

void Rings(const float* distance, size_t count, const float* limits, int64_t edges, int16_t* ring) {
  typedef int16_t Narrow __attribute__((vector_size(2 * kLanesOf<float>)));
  constexpr size_t kLanes = kLanesOf<float>;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec<float> d = Load(distance + i);
    Vec<int32_t> above{};
    for (int64_t r = 0; r < edges; ++r) above -= d > Splat(limits[r]);
    const Narrow found = __builtin_convertvector(above, Narrow);
    memcpy(ring + i, &found, sizeof found);
  }
  for (; i < count; ++i) {
    ring[i] = 0;
    for (int64_t r = 0; r < edges; ++r) ring[i] = static_cast<int16_t>(ring[i] + (distance[i] > limits[r]));
  }
}

// The same operations as internal::LogLossUnits.
PIXELCAL_INLINE Words LossUnits(Doubles p) {
  constexpr uint64_t kFraction = (uint64_t{1} << 52) - 1, kOne = uint64_t{1023} << 52;
  constexpr double kLn2 = 0.693147180559945309;
  const Words bits = reinterpret_cast<Words>(p);
  Doubles e = reinterpret_cast<Doubles>((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
  Doubles m = reinterpret_cast<Doubles>((bits & kFraction) | kOne);
  const Masks large = m > 1.4142135623730951;
  m = large ? m * 0.5 : m;
  e = large ? e + 1.0 : e;
  const Doubles f = (m - 1.0) / (m + 1.0), z = f * f;
  Doubles series = z * (1.0 / 15) + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  const Doubles twice = f + f;
  const Doubles loss = Doubles{} - (e * kLn2 + (twice + twice * (z * series)));
  return __builtin_convertvector(loss * 0x1p40 + 0.5, Words);
}

void Losses(const double* p, size_t count, uint64_t* units) {
  for (size_t i = 0; i < count; i += 8) {
    const size_t few = count - i < 8 ? count - i : 8;
    Doubles value{};
    memcpy(&value, p + i, few * sizeof *p);
    const Masks possible = value > 0.0;
    const Words found = LossUnits(possible ? value : Doubles{} + 1.0);
    memcpy(units + i, &found, few * sizeof *units);
  }
}

}  // namespace

extern const BoundaryTable kBoundary;
const BoundaryTable kBoundary{TakeNearer, TakeScore, Rings, Losses};

}  // namespace pixelcal::simd::PIXELCAL_ISA
