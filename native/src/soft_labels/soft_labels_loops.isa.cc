#include "soft_labels/soft_labels_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

void OneHot(const int16_t* codes, size_t count, int first, uint8_t* bits) {
  size_t i = 0;
#if defined(__AVX512BW__)
  // A table of 16 has no codes below 0; those beyond are like the last.
  const __m512i table = _mm512_set4_epi32(0, 0, static_cast<int>(0x80402010), 0x08040201);
  const __m512i start = _mm512_set1_epi16(static_cast<int16_t>(first)), last = _mm512_set1_epi8(15);
  const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);  // packing keeps to lanes of 128 bits
  for (; i + 64 <= count; i += 64) {
    const __m512i a = _mm512_sub_epi16(_mm512_loadu_si512(codes + i), start);
    const __m512i b = _mm512_sub_epi16(_mm512_loadu_si512(codes + i + 32), start);
    const __m512i packed = _mm512_min_epi8(_mm512_packs_epi16(a, b), last);
    const __m512i index = _mm512_maskz_permutexvar_epi64(0xff, order, packed);
    _mm512_storeu_si512(bits + i, _mm512_shuffle_epi8(table, index));
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

PIXELCAL_INLINE uint8_t MaskOf(int bit) { return static_cast<uint8_t>(1 << bit); }

// Returns bit `bit` of bytes as 1 and, for a pair, the next bit as 16. A pair starts at an even bit: both are
// in the same half of the byte, for which there is a table.
template <bool kHigh>
class BitLanes {
 public:
  PIXELCAL_INLINE BitLanes(int bit, bool pair) {
#if defined(__AVX2__)
    uint8_t table[kVectorBytes];
    for (int i = 0; i < kVectorBytes; ++i)
      table[i] = static_cast<uint8_t>((i >> bit % 4 & 1) | (pair ? (i >> bit % 4 & 2) << 3 : 0));
    table_ = Load(table);
#else
    first_ = Splat(MaskOf(bit));
    second_ = Splat(pair ? MaskOf(bit + 1) : uint8_t{0});
#endif
  }

  PIXELCAL_INLINE Vec<uint8_t> operator()(const uint8_t* from) const {
    const Vec<uint8_t> bits = Load(from);
#if defined(__AVX2__)
    const auto half = reinterpret_cast<Vec<uint64_t>>(bits) >> (kHigh ? 4 : 0);
    const auto index = reinterpret_cast<Vec<int64_t>>(half) & 0x0f0f0f0f0f0f0f0f;
#if defined(__AVX512BW__)
    return reinterpret_cast<Vec<uint8_t>>(
        _mm512_shuffle_epi8(reinterpret_cast<__m512i>(table_), reinterpret_cast<__m512i>(index)));
#else
    return reinterpret_cast<Vec<uint8_t>>(
        _mm256_shuffle_epi8(reinterpret_cast<__m256i>(table_), reinterpret_cast<__m256i>(index)));
#endif
#else
    const Vec<uint8_t> none{};
    return ((bits & first_) != none ? none + 1 : none) | ((bits & second_) != none ? none + 16 : none);
#endif
  }

 private:
#if defined(__AVX2__)
  Vec<uint8_t> table_;
#else
  Vec<uint8_t> first_, second_;
#endif
};

template <bool kHigh>
PIXELCAL_INLINE void SumBitRows(const uint8_t* const* from, size_t rows, int bit, bool pair, size_t count,
                                uint8_t* line) {
  const BitLanes<kHigh> lanes(bit, pair);
  if (rows == 3) {
    const uint8_t *a = from[0], *b = from[1], *c = from[2];
    for (size_t i = 0; i < count; i += kVectorBytes)
      Store(line + i, lanes(a + i) + lanes(b + i) + lanes(c + i));
    return;
  }
  for (size_t i = 0; i < count; i += kVectorBytes) {
    Vec<uint8_t> sum = lanes(from[0] + i);
    for (size_t row = 1; row < rows; ++row) sum += lanes(from[row] + i);
    Store(line + i, sum);
  }
}

void SumBits(const uint8_t* const* from, size_t rows, int bit, bool pair, size_t count, uint8_t* line) {
  bit < 4 ? SumBitRows<false>(from, rows, bit, pair, count, line)
          : SumBitRows<true>(from, rows, bit, pair, count, line);
}

// Stores both counts of a pair, or the single one.
PIXELCAL_INLINE void StoreCounts(Vec<uint8_t> counts, uint8_t* out, uint8_t* second) {
  if (!second) return Store(out, counts);
  Store(out, counts & uint8_t{15});
  const auto high = reinterpret_cast<Vec<uint64_t>>(counts) >> 4;
  Store(second, reinterpret_cast<Vec<uint8_t>>(high) & uint8_t{15});
}

void SumLine(const uint8_t* line, size_t taps, size_t count, uint8_t* out, uint8_t* second) {
  for (size_t i = 0; i < count; i += kVectorBytes) {
    Vec<uint8_t> sum = Load(line + i);
    if (taps == 3)
      sum += Load(line + i + 1) + Load(line + i + 2);
    else
      for (size_t tap = 1; tap < taps; ++tap) sum += Load(line + i + tap);
    StoreCounts(sum, out + i, second ? second + i : nullptr);
  }
}

void SumLevel(const uint8_t* middle, const uint8_t* sides, size_t count, uint8_t* out, uint8_t* second) {
  for (size_t i = 0; i < count; i += kVectorBytes) {
    Vec<uint8_t> sum{};
    if (middle) sum += Load(middle + i);
    if (sides) sum += Load(sides + i - 1) + Load(sides + i + 1);
    StoreCounts(sum, out + i, second ? second + i : nullptr);
  }
}

// The rule takes one class for each pixel. Counts are compared without sums that would not fit.
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
        const T pick = ((plane[i] > 0) & fits & (taken[i] == 0)) ? 1 : 0;
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

void AddFloats(const float* from, size_t count, float* to) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) to[i] += from[i];
}

void ReplaceFloats(const int16_t* codes, int code, const uint8_t* hard, size_t count, float* plane) {
  const auto own = static_cast<int16_t>(code);
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
const SoftLabelTable kSoftLabels{OneHot,       Equal,           Merge,           Widen,     Without,
                                 Band,         SumBits,         SumLine,         SumLevel,  OneHotCounts,
                                 OneHotFloats, ThresholdCounts, ThresholdFloats, AddFloats, ReplaceFloats,
                                 DivideFloats, AddBits,         FilterLine};

}  // namespace pixelcal::simd::PIXELCAL_ISA
