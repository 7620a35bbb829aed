#include "resampling/intensity_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr size_t kWidth = 8;  // pixels at a time, in one or more vectors
typedef float Floats __attribute__((vector_size(32)));

PIXELCAL_INLINE Doubles LoadEight(const float* from, size_t count) {
  Floats value{};
  memcpy(&value, from, count * sizeof(float));
  return __builtin_convertvector(value, Doubles);
}

PIXELCAL_INLINE void StoreEight(float* to, Doubles value, size_t count) {
  const Floats narrow = __builtin_convertvector(value, Floats);
  memcpy(to, &narrow, count * sizeof(float));
}

// Returns correctly rounded square roots.
PIXELCAL_INLINE Doubles Root(Doubles v) {
  for (size_t lane = 0; lane < kWidth; ++lane) v[lane] = __builtin_sqrt(v[lane]);
  return v;
}

void Gamma(const float* in, double sign, double low, double span, double exponent, size_t count, float* out) {
  for (size_t i = 0; i < count; i += kWidth) {
    const size_t some = count - i < kWidth ? count - i : kWidth;
    Doubles u = (LoadEight(in + i, some) * sign - low) / span;
    u = u < 0.0 ? Doubles{} : u;
    u = u > 1.0 ? Doubles{} + 1.0 : u;
    StoreEight(out + i, Exp(Log(u) * exponent) * span + low, some);
  }
}

// Mixes 64 bits bijectively (the finalizer of SplitMix64).
PIXELCAL_INLINE Words Mix(Words x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Returns multiples of 2^-52 from 0 to below 1.
PIXELCAL_INLINE Doubles Uniform(Words bits) {
  return reinterpret_cast<Doubles>((bits >> 12) | (uint64_t{1023} << 52)) - 1.0;
}

// Returns sin(pi t) for |t| <= 1/2 to 1e-10: the series up to t^15.
PIXELCAL_INLINE Doubles SineOfPi(Doubles t) {
  const Doubles x = t * 3.141592653589793, z = x * x;
  Doubles series = z * (-1.0 / 1307674368000) + 1.0 / 6227020800;
  series = series * z - 1.0 / 39916800;
  series = series * z + 1.0 / 362880;
  series = series * z - 1.0 / 5040;
  series = series * z + 1.0 / 120;
  series = series * z - 1.0 / 6;
  return x + x * (z * series);
}

void Noise(const float* in, double amount, uint64_t stream, uint64_t first, size_t count, float* out) {
  constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < count; i += kWidth) {
    const size_t some = count - i < kWidth ? count - i : kWidth;
    const Words lanes{0, 1, 2, 3, 4, 5, 6, 7};
    const Words number = (lanes + (first + i)) * 2;
    const Doubles radius = 1.0 - Uniform(Mix((number + 1) * kStep + stream));
    // The sine of a uniform angle of half a turn is distributed as the cosine of Box and Muller's.
    const Doubles turn = Uniform(Mix((number + 2) * kStep + stream)) - 0.5;
    const Doubles normal = Root(Log(radius) * -2.0) * SineOfPi(turn);
    StoreEight(out + i, LoadEight(in + i, some) + normal * amount, some);
  }
}

}  // namespace

extern const IntensityTable kIntensity;
const IntensityTable kIntensity{Gamma, Noise};

}  // namespace pixelcal::simd::PIXELCAL_ISA
