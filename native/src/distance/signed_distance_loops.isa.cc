#include "distance/signed_distance_loops.h"

#include "simd/root.h"
#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <bool kNarrow, class Label>
PIXELCAL_INLINE bool ScanTo(const Label* labels, int64_t count, int64_t classes, uint8_t* bytes,
                            uint64_t* seen) {
  uint64_t bits = 0;
  uint64_t wrong = 0;
  const auto limit = static_cast<uint64_t>(classes);
#pragma omp simd reduction(| : bits, wrong)
  for (int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint64_t>(static_cast<int64_t>(labels[i]));
    wrong |= static_cast<uint64_t>(label >= limit);
    bits |= uint64_t{1} << (label & 63);
    if constexpr (kNarrow) bytes[i] = static_cast<uint8_t>(label);
  }
  *seen = bits;
  return wrong == 0;
}

// Compares bytes with each of a few classes, a vector of them at a time.
bool ScanFew(const uint8_t* labels, int64_t count, int64_t classes, uint64_t* seen) {
  uint8_t most = 0;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < count; ++i) most = labels[i] > most ? labels[i] : most;
  *seen = 0;
  for (int64_t c = 0; c < classes; ++c) {
    const auto label = static_cast<uint8_t>(c);
    uint8_t any = 0;
#pragma omp simd reduction(| : any)
    for (int64_t i = 0; i < count; ++i) any = static_cast<uint8_t>(any | (labels[i] == label ? 1 : 0));
    *seen |= static_cast<uint64_t>(any) << c;
  }
  return most < classes;
}

template <class Label>
bool Scan(const Label* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  constexpr int64_t kFew = 8;
  if constexpr (sizeof(Label) == 1)
    if (!bytes && classes <= kFew) return ScanFew(labels, count, classes, seen);
  return bytes ? ScanTo<true>(labels, count, classes, bytes, seen)
               : ScanTo<false>(labels, count, classes, bytes, seen);
}

// Returns the first `count` lanes of a vector in memory, `rest` in the others.
PIXELCAL_INLINE Vec<int32_t> LoadPart(const void* from, int64_t count, int32_t rest) {
  Vec<int32_t> v = Splat(rest);
  if (count >= kLanesOf<int32_t>)
    memcpy(&v, from, sizeof v);
  else
    memcpy(&v, from, static_cast<size_t>(count) * 4);
  return v;
}
PIXELCAL_INLINE void StorePart(void* to, int64_t count, Vec<int32_t> v) {
  if (count >= kLanesOf<int32_t>)
    memcpy(to, &v, sizeof v);
  else
    memcpy(to, &v, static_cast<size_t>(count) * 4);
}

void Sign(int32_t* const* maps, int64_t classes, int64_t count, int32_t* const* largest) {
  constexpr int64_t kLanes = kLanesOf<int32_t>, kBlock = 32 * kLanes;
  constexpr int32_t kNone = 0x7fffffff;
  for (int64_t c = 0; c < classes; ++c) largest[c][0] = largest[c][1] = 0;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t last = first + kBlock < count ? first + kBlock : count;
    Vec<int32_t> inside[32];
    for (auto& v : inside) v = Splat(kNone);
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t i = first; i < last; i += kLanes) {
        const Vec<int32_t> value = LoadPart(maps[c] + i, last - i, kNone);
        Vec<int32_t>& least = inside[(i - first) / kLanes];
        least = Min(least, value == 0 ? Splat(kNone) : value);
      }
    }
    for (int64_t c = 0; c < classes; ++c) {
      // The lanes after the last pixel hold 1, at most what every map with a boundary has outside.
      Vec<int32_t> most = Splat(int32_t{0}), least = most;
      for (int64_t i = first; i < last; i += kLanes) {
        const Vec<int32_t> outside = LoadPart(maps[c] + i, last - i, 1);
        const Vec<int32_t> value = outside == 0 ? -inside[(i - first) / kLanes] : outside;
        StorePart(maps[c] + i, last - i, value);
        most = Max(most, value);
        least = Min(least, value);
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        if (most[lane] > largest[c][0]) largest[c][0] = most[lane];
        if (-least[lane] > largest[c][1]) largest[c][1] = -least[lane];
      }
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

// Returns scaled distances with their sign bit.
PIXELCAL_INLINE Vec<int32_t> Scaled(Vec<float> distances, Vec<int32_t> sign, Scale scale) {
  const Vec<float> clipped = Min(distances, Splat(scale.limit));
  return (Vec<int32_t>)(clipped / (sign != 0 ? Splat(scale.inside) : Splat(scale.outside))) | sign;
}

template <class Distance>
PIXELCAL_INLINE void ScaleEach(void* values, int64_t count, Scale scale, const Distance& distance) {
  constexpr int64_t kLanes = kLanesOf<int32_t>;
  auto* bytes = static_cast<uint8_t*>(values);
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vec<int32_t> signed_values = LoadPart(bytes + 4 * i, count - i, 0);
    const Vec<int32_t> sign = signed_values & static_cast<int32_t>(0x80000000u);
    StorePart(bytes + 4 * i, count - i,
              Scaled(distance(signed_values < 0 ? -signed_values : signed_values), sign, scale));
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
