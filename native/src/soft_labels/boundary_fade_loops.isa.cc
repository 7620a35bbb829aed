#include "soft_labels/boundary_fade_loops.h"

#include "simd/root.h"
#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int64_t kLanes = kLanesOf<int32_t>;
constexpr int64_t kVectors = 32;  // of a block
constexpr int32_t kNone = 0x7fffffff;

// Returns the first `count` lanes of a vector in memory, `rest` in the others.
PIXELCAL_INLINE Vec<int32_t> LoadPart(const float* from, int64_t count, int32_t rest) {
  Vec<int32_t> v = Splat(rest);
  memcpy(&v, from, count >= kLanes ? sizeof v : static_cast<size_t>(count) * 4);
  return v;
}
PIXELCAL_INLINE void StorePart(float* to, int64_t count, Vec<float> v) {
  memcpy(to, &v, count >= kLanes ? sizeof v : static_cast<size_t>(count) * 4);
}

template <bool kSquares>
PIXELCAL_INLINE Vec<float> Distance(Vec<int32_t> value) {
  if constexpr (kSquares) return Root(__builtin_convertvector(value, Vec<float>));
  return (Vec<float>)value;
}

// Returns exp(-x) for x >= 0, and 0 from `faded_out` on (below 87.3, so that no result is denormal): 2^-n
// exp(r) with |r| <= ln 2 / 2, by the polynomial of Cephes' expf (Moshier). Its error is below 2 units in the
// last place.
PIXELCAL_INLINE Vec<float> Fall(Vec<float> x, float faded_out) {
  const Vec<float> bounded = Min(x, Splat(faded_out));
  const Vec<int32_t> n = __builtin_convertvector(bounded * 1.44269504f + 0.5f, Vec<int32_t>);
  const Vec<float> whole = __builtin_convertvector(n, Vec<float>);
  // ln 2 is in two parts, the first of few bits, so that the products with n are exact.
  const Vec<float> r = (whole * 0.693359375f - bounded) + whole * -2.12194440e-4f;
  Vec<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const Vec<float> result = p * (Vec<float>)((127 - n) << 23);
  return x < Splat(faded_out) ? result : Splat(0.0f);
}

PIXELCAL_INLINE bool Any(Vec<int32_t> lanes) {
  int32_t any = 0;
  for (int lane = 0; lane < kLanes; ++lane) any |= lanes[lane];
  return any != 0;
}

template <bool kSquares>
PIXELCAL_INLINE void SoftenBlock(float* const* maps, int64_t classes, float* const* absent,
                                 int64_t absent_classes, int64_t first, int64_t last, Fade fade) {
  const Vec<float> half = Splat(fade.half);
  Vec<int32_t> inside[kVectors], counted[kVectors];
  Vec<float> own[kVectors], sum[kVectors];
  bool near[kVectors];
  for (int64_t v = 0; v < kVectors; ++v) {
    inside[v] = Splat(kNone);
    counted[v] = Splat(int32_t{0});
    sum[v] = Splat(0.0f);
  }
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t i = first; i < last; i += kLanes) {
      const int64_t v = (i - first) / kLanes;
      const Vec<int32_t> value = LoadPart(maps[c] + i, last - i, kNone);
      inside[v] = Min(inside[v], value == 0 ? Splat(kNone) : value);
      counted[v] |= value == 0;
    }
  }
  for (int64_t v = 0; v * kLanes < last - first; ++v) {
    own[v] = Max(Distance<kSquares>(inside[v]) - half, half);
    near[v] = Any((2.0f * own[v]) * fade.rate < Splat(fade.faded_out));
  }
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t i = first; i < last; i += kLanes) {
      const int64_t v = (i - first) / kLanes;
      const Vec<int32_t> value = LoadPart(maps[c] + i, last - i, kNone);
      Vec<float> other = Splat(0.0f);
      if (near[v]) {
        const Vec<float> outside = Max(Distance<kSquares>(value) - half, half);
        other = Fall((outside + own[v]) * fade.rate, fade.faded_out);
      }
      const Vec<float> share = value == 0 ? Splat(1.0f) : other;
      sum[v] += share;
      StorePart(maps[c] + i, last - i, share);
    }
  }
  for (int64_t v = 0; v * kLanes < last - first; ++v) sum[v] = fade.keep / Max(sum[v], Splat(1.0f));
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t i = first; i < last; i += kLanes) {
      const int64_t v = (i - first) / kLanes;
      const auto share = (Vec<float>)LoadPart(maps[c] + i, last - i, 0);
      StorePart(maps[c] + i, last - i, counted[v] ? share * sum[v] + fade.floor : Splat(0.0f));
    }
  }
  for (int64_t c = 0; c < absent_classes; ++c)
    for (int64_t i = first; i < last; i += kLanes)
      StorePart(absent[c] + i, last - i, counted[(i - first) / kLanes] ? Splat(fade.floor) : Splat(0.0f));
}

void Soften(float* const* maps, int64_t classes, float* const* absent, int64_t absent_classes, int64_t count,
            bool squares, Fade fade) {
  constexpr int64_t kBlock = kVectors * kLanes;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t last = first + kBlock < count ? first + kBlock : count;
    if (squares)
      SoftenBlock<true>(maps, classes, absent, absent_classes, first, last, fade);
    else
      SoftenBlock<false>(maps, classes, absent, absent_classes, first, last, fade);
  }
}

}  // namespace

extern const BoundaryFadeTable kBoundaryFade;
const BoundaryFadeTable kBoundaryFade{Soften};

}  // namespace pixelcal::simd::PIXELCAL_ISA
