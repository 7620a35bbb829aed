#include "simd/soft_labels.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

void OneHot(const int16_t* codes, size_t count, int first, uint8_t* bits) {
  size_t i = 0;
#if defined(__AVX512BW__)
  const __m512i one = _mm512_set1_epi16(1), start = _mm512_set1_epi16(static_cast<int16_t>(first));
  for (; i + 32 <= count; i += 32) {
    const __m512i code = _mm512_sub_epi16(_mm512_loadu_si512(codes + i), start);
    // A shift by 16 and more gives 0, and what is shifted beyond a byte is cut off.
    const __m256i shifted = _mm512_maskz_cvtepi16_epi8(0xffffffff, _mm512_sllv_epi16(one, code));
    memcpy(bits + i, &shifted, sizeof shifted);
  }
#endif
#pragma omp simd
  for (size_t at = i; at < count; ++at) {
    const auto code = static_cast<uint16_t>(codes[at] - first);
    uint16_t bit = 0;
    for (uint16_t j = 0; j < 8; ++j) bit |= code == j ? static_cast<uint16_t>(1 << j) : 0;
    bits[at] = static_cast<uint8_t>(bit);
  }
}

void Equal(const int16_t* codes, size_t count, int16_t code, uint8_t mark, uint8_t* out) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = codes[i] == code ? mark : 0;
}

template <bool kAll>
PIXELCAL_INLINE uint8_t Both(uint8_t a, uint8_t b) {
  return static_cast<uint8_t>(kAll ? a & b : a | b);
}

template <bool kAll>
PIXELCAL_INLINE void MergeRows(const uint8_t* const* from, size_t rows, size_t count, uint8_t* out) {
  const uint8_t *a = from[0], *b = from[rows > 1 ? 1 : 0], *c = from[rows > 2 ? 2 : 0];
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = Both<kAll>(a[i], Both<kAll>(b[i], c[i]));
  for (size_t row = 3; row < rows; ++row) {
    const uint8_t* more = from[row];
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = Both<kAll>(out[i], more[i]);
  }
}

void Merge(const uint8_t* const* from, size_t rows, bool all, size_t count, uint8_t* out) {
  all ? MergeRows<true>(from, rows, count, out) : MergeRows<false>(from, rows, count, out);
}

template <bool kAll>
PIXELCAL_INLINE void WidenLine(const uint8_t* line, bool more, size_t count, uint8_t* out) {
  if (more) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i)
      out[i] = Both<kAll>(out[i], Both<kAll>(line[i], Both<kAll>(line[i - 1], line[i + 1])));
  } else {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = Both<kAll>(line[i], Both<kAll>(line[i - 1], line[i + 1]));
  }
}

void Widen(const uint8_t* line, bool all, bool more, size_t count, uint8_t* out) {
  all ? WidenLine<true>(line, more, count, out) : WidenLine<false>(line, more, count, out);
}

void Without(const uint8_t* a, const uint8_t* b, size_t count, uint8_t* out) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(a[i] & ~b[i]);
}

void Band(const uint8_t* a, const uint8_t* b, bool difference, size_t count, uint8_t* out) {
  const uint8_t mask = difference ? 0xff : 0;
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] |= static_cast<uint8_t>(a[i] ^ (b[i] & mask));
}

constexpr int16_t kNoClass = -32768;  // no pixel's code

// Masked and compared, for processors do not shift bytes.
PIXELCAL_INLINE uint8_t BitOf(uint8_t bits, uint8_t mask) { return (bits & mask) != 0 ? 1 : 0; }
PIXELCAL_INLINE uint8_t MaskOf(int bit) { return static_cast<uint8_t>(1 << bit); }

void SumBits(const uint8_t* const* from, size_t rows, int bit, size_t count, uint8_t* line) {
  const uint8_t mask = MaskOf(bit);
  size_t row = 0;
  if (rows >= 3) {
    const uint8_t *a = from[0], *b = from[1], *c = from[2];
#pragma omp simd
    for (size_t i = 0; i < count; ++i)
      line[i] = static_cast<uint8_t>(BitOf(a[i], mask) + BitOf(b[i], mask) + BitOf(c[i], mask));
    row = 3;
  } else {
    const uint8_t* a = from[0];
#pragma omp simd
    for (size_t i = 0; i < count; ++i) line[i] = BitOf(a[i], mask);
    row = 1;
  }
  for (; row < rows; ++row) {
    const uint8_t* a = from[row];
#pragma omp simd
    for (size_t i = 0; i < count; ++i) line[i] = static_cast<uint8_t>(line[i] + BitOf(a[i], mask));
  }
}

void SumLine(const uint8_t* line, size_t taps, size_t count, uint8_t* out) {
  if (taps == 3) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(line[i] + line[i + 1] + line[i + 2]);
    return;
  }
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = line[i];
  for (size_t tap = 1; tap < taps; ++tap)
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(out[i] + line[i + tap]);
}

void SumLevel(const uint8_t* middle, const uint8_t* sides, size_t count, uint8_t* out) {
  if (!sides) {
    memcpy(out, middle, count);
  } else if (!middle) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(sides[i - 1] + sides[i + 1]);
  } else {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(middle[i] + sides[i - 1] + sides[i + 1]);
  }
}

void Add(const uint8_t* from, size_t count, uint8_t* to) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>(to[i] + from[i]);
}

// A class is taken by the rule once for each pixel. Counts are compared without sums that would not fit.
template <OneHotRule kRule, class T>
PIXELCAL_INLINE void PickOne(T* planes, size_t stride, size_t classes, size_t count) {
  constexpr size_t kBlock = 256;
  T key[kBlock], below[kBlock], taken[kBlock];  // key: the largest count or the sum of all
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t length = count - begin < kBlock ? count - begin : kBlock;
    for (size_t i = 0; i < kBlock; ++i) key[i] = below[i] = taken[i] = 0;
    if (kRule == OneHotRule::kMode || kRule == OneHotRule::kMedian) {
      for (size_t c = 0; c < classes; ++c) {
        const T* plane = planes + c * stride + begin;
#pragma omp simd
        for (size_t i = 0; i < length; ++i)
          key[i] = kRule == OneHotRule::kMode ? (plane[i] > key[i] ? plane[i] : key[i])
                                              : static_cast<T>(key[i] + plane[i]);
      }
    }
    for (size_t at = 0; at < classes; ++at) {
      T* plane = planes + (kRule == OneHotRule::kLargest ? classes - 1 - at : at) * stride + begin;
#pragma omp simd
      for (size_t i = 0; i < length; ++i) {
        below[i] = static_cast<T>(below[i] + plane[i]);
        const bool fits = kRule == OneHotRule::kMode     ? plane[i] == key[i]
                          : kRule == OneHotRule::kMedian ? below[i] >= static_cast<T>(key[i] - below[i])
                                                         : true;
        const T pick = (plane[i] > 0) & fits & (taken[i] == 0) ? 1 : 0;
        plane[i] = pick;
        taken[i] = pick > 0 ? pick : taken[i];
      }
    }
  }
}

template <class T>
PIXELCAL_INLINE void PickBy(OneHotRule rule, T* planes, size_t stride, size_t classes, size_t count) {
  switch (rule) {
    case OneHotRule::kLargest:
      return PickOne<OneHotRule::kLargest>(planes, stride, classes, count);
    case OneHotRule::kSmallest:
      return PickOne<OneHotRule::kSmallest>(planes, stride, classes, count);
    case OneHotRule::kMedian:
      return PickOne<OneHotRule::kMedian>(planes, stride, classes, count);
    case OneHotRule::kMode:
      return PickOne<OneHotRule::kMode>(planes, stride, classes, count);
  }
}

void OneHotCounts(OneHotRule rule, uint8_t* planes, size_t stride, size_t classes, size_t count) {
  PickBy(rule, planes, stride, classes, count);
}
void OneHotFloats(OneHotRule rule, float* planes, size_t stride, size_t classes, size_t count) {
  PickBy(rule, planes, stride, classes, count);
}

void ThresholdCounts(uint8_t* plane, size_t count, uint8_t least) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) plane[i] = plane[i] >= least ? 1 : 0;
}
void ThresholdFloats(float* plane, size_t count, float least) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) plane[i] = plane[i] >= least ? 1.0f : 0.0f;
}

// Sixteen counts as floats: the compiler's own conversion of bytes goes by way of too many shuffles.
#if defined(__AVX512BW__)
constexpr size_t kStep = 16;
typedef __m512 Floats;
PIXELCAL_INLINE Floats Widened(const uint8_t* from) {
  // The form without a mask makes GCC 12 warn of an uninitialised variable of its own header.
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
PIXELCAL_INLINE void Stream(float* to, Floats value) { _mm512_stream_ps(to, value); }
PIXELCAL_INLINE void StreamEnd() { _mm_sfence(); }
#elif defined(__AVX2__)
constexpr size_t kStep = 8;
typedef __m256 Floats;
PIXELCAL_INLINE Floats Widened(const uint8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
PIXELCAL_INLINE void Stream(float* to, Floats value) { _mm256_stream_ps(to, value); }
PIXELCAL_INLINE void StreamEnd() { _mm_sfence(); }
#else
constexpr size_t kStep = 4;
typedef Vec<float> Floats;
PIXELCAL_INLINE Floats Widened(const uint8_t* from) {
  return Floats{static_cast<float>(from[0]), static_cast<float>(from[1]), static_cast<float>(from[2]),
                static_cast<float>(from[3])};
}
PIXELCAL_INLINE void Stream(float* to, Floats value) { memcpy(to, &value, sizeof value); }
PIXELCAL_INLINE void StreamEnd() {}
#endif

template <size_t kLevels>
PIXELCAL_INLINE Floats Weighed(const uint8_t* planes, size_t stride, const float* weights) {
  Floats sum = Widened(planes) * weights[0];
  for (size_t level = 1; level < kLevels; ++level) sum += Widened(planes + level * stride) * weights[level];
  return sum;
}

template <size_t kLevels>
PIXELCAL_INLINE float WeighedOne(const uint8_t* planes, size_t stride, const float* weights) {
  float sum = static_cast<float>(planes[0]) * weights[0];
  for (size_t level = 1; level < kLevels; ++level)
    sum += static_cast<float>(planes[level * stride]) * weights[level];
  return sum;
}

PIXELCAL_INLINE Floats LoadFloats(const float* from) {
  Floats value;
  memcpy(&value, from, sizeof value);
  return value;
}

template <size_t kLevels, Factor kFactor>
PIXELCAL_INLINE void WeighLevels(const uint8_t* planes, size_t stride, const float* weights,
                                 const float* factors, size_t count, bool stream, float* out) {
  const auto one = [&](size_t i) {
    const float value = WeighedOne<kLevels>(planes + i, stride, weights);
    out[i] = kFactor == Factor::kNone       ? value
             : kFactor == Factor::kMultiply ? value * factors[i]
             : factors[i] > 0               ? value / factors[i]
                                            : 0.0f;
  };
  const auto step = [&](size_t i) {
    const Floats value = Weighed<kLevels>(planes + i, stride, weights);
    if (kFactor == Factor::kNone) return value;
    const Floats factor = LoadFloats(factors + i);
    if (kFactor == Factor::kMultiply) return value * factor;
    const Floats quotient = value / factor;
    return factor > 0.0f ? quotient : Floats{};
  };
  size_t i = 0;
  if (stream) {
    // Past the caches, a whole vector at a time, from the first aligned place on.
    while (i < count && reinterpret_cast<uintptr_t>(out + i) % sizeof(Floats) != 0) one(i++);
    for (; i + kStep <= count; i += kStep) Stream(out + i, step(i));
    StreamEnd();
  } else {
    for (; i + kStep <= count; i += kStep) {
      const Floats value = step(i);
      memcpy(out + i, &value, sizeof value);
    }
  }
  for (; i < count; ++i) one(i);
}

template <Factor kFactor>
PIXELCAL_INLINE void WeighBy(const uint8_t* planes, size_t stride, size_t levels, const float* weights,
                             const float* factors, size_t count, bool stream, float* out) {
  switch (levels) {
    case 1:
      return WeighLevels<1, kFactor>(planes, stride, weights, factors, count, stream, out);
    case 2:
      return WeighLevels<2, kFactor>(planes, stride, weights, factors, count, stream, out);
    case 3:
      return WeighLevels<3, kFactor>(planes, stride, weights, factors, count, stream, out);
    default:
      return WeighLevels<4, kFactor>(planes, stride, weights, factors, count, stream, out);
  }
}

void Weigh(Factor factor, const uint8_t* planes, size_t stride, size_t levels, const float* weights,
           const float* factors, size_t count, bool stream, float* out) {
  switch (factor) {
    case Factor::kNone:
      return WeighBy<Factor::kNone>(planes, stride, levels, weights, factors, count, stream, out);
    case Factor::kMultiply:
      return WeighBy<Factor::kMultiply>(planes, stride, levels, weights, factors, count, stream, out);
    case Factor::kDivide:
      return WeighBy<Factor::kDivide>(planes, stride, levels, weights, factors, count, stream, out);
  }
}

void AddFloats(const float* from, size_t count, float* to) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) to[i] += from[i];
}

void None(const float* values, size_t count, uint8_t* hard) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) hard[i] = values[i] <= 0 ? 0xff : hard[i];
}

void Divisors(DivisorRule rule, float scale, float total, const uint8_t* hard, float own, size_t count,
              float* sums) {
  if (rule == DivisorRule::kRest) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) sums[i] = scale * (total - sums[i]) / total;
  } else if (rule == DivisorRule::kAtLeast) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) sums[i] = sums[i] > 1e-6f ? sums[i] : 1e-6f;
  }
  if (!hard) return;
#pragma omp simd
  for (size_t i = 0; i < count; ++i) sums[i] = hard[i] ? own : sums[i];
}

void Reciprocals(size_t count, float* values) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float reciprocal = 1.0f / values[i];
    values[i] = values[i] > 0 ? reciprocal : 0.0f;
  }
}

void ReplaceCounts(const int16_t* codes, int code, const uint8_t* hard, size_t count, uint8_t* plane) {
  const auto own = static_cast<int16_t>(code < 0 ? kNoClass : code);
#pragma omp simd
  for (size_t i = 0; i < count; ++i) plane[i] = hard[i] ? (codes[i] == own ? 1 : 0) : plane[i];
}
void ReplaceFloats(const int16_t* codes, int code, const uint8_t* hard, size_t count, float* plane) {
  const auto own = static_cast<int16_t>(code < 0 ? kNoClass : code);
#pragma omp simd
  for (size_t i = 0; i < count; ++i) plane[i] = hard[i] ? (codes[i] == own ? 1.0f : 0.0f) : plane[i];
}

void DivideFloats(const float* divisors, size_t count, float* values) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float quotient = values[i] / divisors[i];
    values[i] = divisors[i] > 0 ? quotient : 0.0f;
  }
}

void AddBits(const uint8_t* from, int bit, float weight, size_t count, float* sum) {
  const uint8_t mask = MaskOf(bit);
#pragma omp simd
  for (size_t i = 0; i < count; ++i) sum[i] += (from[i] & mask) != 0 ? weight : 0.0f;
}

void FilterLine(const float* line, const float* taps, size_t count_of_taps, const uint8_t* own, int bit,
                float centre, size_t count, float* out) {
  const uint8_t mask = MaskOf(bit);
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = (own[i] & mask) != 0 ? centre : 0.0f;
  for (size_t tap = 0; tap < count_of_taps; ++tap) {
    const float weight = taps[tap];
#pragma omp simd
    for (size_t i = 0; i < count; ++i) out[i] += weight * line[i + tap];
  }
}

}  // namespace

extern const SoftLabelTable kSoftLabels;
const SoftLabelTable kSoftLabels{OneHot,       Equal,        Merge,           Widen,           Without,
                                 Band,         SumBits,      SumLine,         SumLevel,        Add,
                                 OneHotCounts, OneHotFloats, ThresholdCounts, ThresholdFloats, AddFloats,
                                 None,         Divisors,     Reciprocals,     ReplaceCounts,   ReplaceFloats,
                                 Weigh,        DivideFloats, AddBits,         FilterLine};

}  // namespace pixelcal::simd::PIXELCAL_ISA
