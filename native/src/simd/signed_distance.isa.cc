#include "simd/signed_distance.h"

#include "simd/root.h"
#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <class Label>
bool Scan(const Label* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  uint64_t bits = 0;
  uint64_t wrong = 0;
  const auto limit = static_cast<uint64_t>(classes);
  if (bytes) {
#pragma omp simd reduction(| : bits, wrong)
    for (int64_t i = 0; i < count; ++i) {
      const auto label = static_cast<uint64_t>(static_cast<int64_t>(labels[i]));
      wrong |= static_cast<uint64_t>(label >= limit);
      bits |= uint64_t{1} << (label & 63);
      bytes[i] = static_cast<uint8_t>(label);
    }
  } else {
#pragma omp simd reduction(| : bits, wrong)
    for (int64_t i = 0; i < count; ++i) {
      const auto label = static_cast<uint64_t>(static_cast<int64_t>(labels[i]));
      wrong |= static_cast<uint64_t>(label >= limit);
      bits |= uint64_t{1} << (label & 63);
    }
  }
  *seen = bits;
  return wrong == 0;
}

void Sign(int32_t* const* maps, int64_t classes, int64_t count, int32_t* const* largest) {
  constexpr int64_t kBlock = 512;
  for (int64_t c = 0; c < classes; ++c) largest[c][0] = largest[c][1] = 0;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t n = count - first < kBlock ? count - first : kBlock;
    int32_t inside[kBlock];
    for (int64_t i = 0; i < n; ++i) inside[i] = 0x7fffffff;
    for (int64_t c = 0; c < classes; ++c) {
      const int32_t* squares = maps[c] + first;
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) {
        const int32_t other = squares[i] == 0 ? 0x7fffffff : squares[i];
        inside[i] = other < inside[i] ? other : inside[i];
      }
    }
    for (int64_t c = 0; c < classes; ++c) {
      int32_t* squares = maps[c] + first;
      int32_t most = largest[c][0], least = -largest[c][1];
#pragma omp simd reduction(max : most) reduction(min : least)
      for (int64_t i = 0; i < n; ++i) {
        const int32_t value = squares[i] == 0 ? -inside[i] : squares[i];
        squares[i] = value;
        most = value > most ? value : most;
        least = value < least ? value : least;
      }
      largest[c][0] = most;
      largest[c][1] = -least;
    }
  }
}

PIXELCAL_INLINE float Scaled(float value, Scale scale) {
  const float above = value < scale.limit ? value : scale.limit;
  return (above > -scale.limit ? above : -scale.limit) / (value > 0 ? scale.outside : scale.inside);
}

void ScaleFloats(float* values, int64_t count, Scale scale) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) values[i] = Scaled(values[i], scale);
}

// Distances with their sign bit.
PIXELCAL_INLINE Vec<int32_t> Scaled(Vec<float> distances, Vec<int32_t> sign, Scale scale) {
  const Vec<float> clipped = Min(distances, Splat(scale.limit));
  return (Vec<int32_t>)(clipped / (sign != 0 ? Splat(scale.inside) : Splat(scale.outside))) | sign;
}

template <class Distance>
PIXELCAL_INLINE void ScaleEach(void* values, int64_t count, Scale scale, const Distance& distance) {
  constexpr int64_t kLanes = kLanesOf<int32_t>;
  auto* bytes = static_cast<uint8_t*>(values);
  for (int64_t i = 0; i < count; i += kLanes) {
    const size_t size = static_cast<size_t>(count - i < kLanes ? count - i : kLanes) * 4;
    Vec<int32_t> signed_values{};
    if (size == kVectorBytes)
      memcpy(&signed_values, bytes + 4 * i, kVectorBytes);
    else
      memcpy(&signed_values, bytes + 4 * i, size);
    const Vec<int32_t> sign = signed_values & static_cast<int32_t>(0x80000000u);
    const Vec<int32_t> result =
        Scaled(distance(signed_values < 0 ? -signed_values : signed_values), sign, scale);
    if (size == kVectorBytes)
      memcpy(bytes + 4 * i, &result, kVectorBytes);
    else
      memcpy(bytes + 4 * i, &result, size);
  }
}

void ScaleSquares(void* values, int64_t count, bool large, Scale scale) {
  if (large) {
    ScaleEach(values, count, scale, [](Vec<int32_t> squares) {
      Vec<float> roots;
      for (int lane = 0; lane < kLanesOf<int32_t>; ++lane)
        roots[lane] = static_cast<float>(__builtin_sqrt(static_cast<double>(squares[lane])));
      return roots;
    });
  } else {
    ScaleEach(values, count, scale,
              [](Vec<int32_t> squares) { return Root(__builtin_convertvector(squares, Vec<float>)); });
  }
}

void ScaleBits(void* values, int64_t count, Scale scale) {
  ScaleEach(values, count, scale, [](Vec<int32_t> bits) { return (Vec<float>)bits; });
}

void Extremes(const float* values, int64_t count, float* outside, float* inside) {
  float most = 0, least = 0;
#pragma omp simd reduction(max : most) reduction(min : least)
  for (int64_t i = 0; i < count; ++i) {
    most = values[i] > most ? values[i] : most;
    least = values[i] < least ? values[i] : least;
  }
  *outside = most;
  *inside = -least;
}

}  // namespace

extern const SignedDistanceTable kSignedDistance;
const SignedDistanceTable kSignedDistance{Scan<uint8_t>, Scan<int32_t>, Scan<int64_t>, Sign,
                                          ScaleSquares,  ScaleBits,     ScaleFloats,   Extremes};

}  // namespace pixelcal::simd::PIXELCAL_ISA
