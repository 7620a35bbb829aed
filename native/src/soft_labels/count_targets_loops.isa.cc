#include "soft_labels/count_targets_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// A step of pixels: as bytes, as floats, and as lanes of all ones or 0. The compiler's own conversion of
// bytes takes too many shuffles.
#if defined(__AVX512BW__)
constexpr size_t kStep = 16;
typedef __m512 Floats;
typedef __m128i Bytes;
PIXELCAL_INLINE Bytes LoadBytes(const uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
PIXELCAL_INLINE Bytes AddBytes(Bytes a, Bytes b) { return _mm_add_epi8(a, b); }
// The unmasked forms make GCC 12 warn of an uninitialised variable in its own header.
PIXELCAL_INLINE __m512i WidenedInts(Bytes bytes) { return _mm512_maskz_cvtepu8_epi32(0xffff, bytes); }
PIXELCAL_INLINE Floats Widened(Bytes bytes) { return _mm512_maskz_cvtepi32_ps(0xffff, WidenedInts(bytes)); }
PIXELCAL_INLINE void StorePart(float* to, Floats value, size_t count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
}
#elif defined(__AVX2__)
constexpr size_t kStep = 8;
typedef __m256 Floats;
typedef uint64_t Bytes;
PIXELCAL_INLINE __m256i WidenedInts(Bytes bytes) {
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
}
PIXELCAL_INLINE Floats Widened(Bytes bytes) { return _mm256_cvtepi32_ps(WidenedInts(bytes)); }
#else
constexpr size_t kStep = 4;
typedef Vec<float> Floats;
typedef uint32_t Bytes;
PIXELCAL_INLINE Floats Widened(Bytes bytes) {
  uint8_t each[kStep];
  memcpy(each, &bytes, sizeof each);
  return Floats{static_cast<float>(each[0]), static_cast<float>(each[1]), static_cast<float>(each[2]),
                static_cast<float>(each[3])};
}
#endif
#if !defined(__AVX512BW__)
PIXELCAL_INLINE Bytes LoadBytes(const uint8_t* from) {
  Bytes bytes;
  memcpy(&bytes, from, sizeof bytes);
  return bytes;
}
PIXELCAL_INLINE Bytes AddBytes(Bytes a, Bytes b) { return a + b; }  // no sum is above 255
PIXELCAL_INLINE void StorePart(float* to, Floats value, size_t count) {
  memcpy(to, &value, count * sizeof(float));
}
#endif
typedef int32_t Lanes __attribute__((vector_size(sizeof(Floats))));
typedef int16_t Codes __attribute__((vector_size(2 * kStep)));

// A table of a float for every byte value, as far as the bytes go.
class Factors {
 public:
  PIXELCAL_INLINE Factors(const float* table, uint8_t most) : table_(table), few_(most < 32) {
#if defined(__AVX512BW__)
    if (!table) return;
    low_ = _mm512_loadu_ps(table);
    high_ = _mm512_loadu_ps(table + 16);
#endif
  }

  PIXELCAL_INLINE Floats operator[](Bytes bytes) const {
#if defined(__AVX512BW__)
    const __m512i index = WidenedInts(bytes);
    if (few_ || _mm_cmpgt_epu8_mask(bytes, _mm_set1_epi8(31)) == 0)
      return _mm512_permutex2var_ps(low_, index, high_);
    return _mm512_mask_i32gather_ps(low_, 0xffff, index, table_, 4);
#elif defined(__AVX2__)
    return _mm256_i32gather_ps(table_, WidenedInts(bytes), 4);
#else
    uint8_t each[kStep];
    memcpy(each, &bytes, sizeof each);
    return Floats{table_[each[0]], table_[each[1]], table_[each[2]], table_[each[3]]};
#endif
  }

 private:
  const float* table_;
  [[maybe_unused]] bool few_;
#if defined(__AVX512BW__)
  Floats low_{}, high_{};
#endif
};

enum class By { kNothing, kMultiply, kDivide };

template <size_t kLevels, By kBy, bool kHard>
class Tile {
 public:
  PIXELCAL_INLINE explicit Tile(const CountTargets& tile) : t_(tile), factors_(tile.factors, tile.most) {}

  PIXELCAL_INLINE void Store() const {
    for (size_t row = 0; row < t_.rows; ++row) {
      for (size_t i = 0; i < t_.width; i += kStep) {
        const size_t at = row * t_.row_stride + i, count = t_.width - i;
        const Floats factor = FactorAt(at);
        const Lanes hard = HardAt(at), codes = CodesAt(at);
        float* out = t_.out + row * t_.width + i;
        for (size_t c = 0; c < t_.classes; ++c, out += t_.class_size) {
          const Floats value = TargetAt(at, c, factor, hard, codes);
          if (count >= kStep)
            memcpy(out, &value, sizeof value);
          else
            StorePart(out, value, count);
        }
      }
    }
  }

 private:
  PIXELCAL_INLINE Floats FactorAt(size_t at) const {
    Floats factor{}, sum{};
    if (kBy == By::kNothing) return factor;
    for (size_t level = 0; level < kLevels; ++level) {
      const uint8_t* from = (t_.sums ? t_.sums : t_.counts) + level * t_.stride + at;
      Bytes count = LoadBytes(from);
      for (size_t c = 1; !t_.sums && c < t_.classes; ++c)
        count = AddBytes(count, LoadBytes(from + c * kLevels * t_.stride));
      if (kLevels == 1) factor = factors_[count];
      if (kLevels > 1) sum += Widened(count) * t_.weights[level];
    }
    return kLevels > 1 ? t_.divisor.Of(sum) : factor;
  }

  PIXELCAL_INLINE Floats TargetAt(size_t at, size_t c, Floats factor, Lanes hard, Lanes codes) const {
    const uint8_t* counts = t_.counts + c * kLevels * t_.stride + at;
    Floats value = Widened(LoadBytes(counts)) * t_.weights[0];
    for (size_t level = 1; level < kLevels; ++level)
      value += Widened(LoadBytes(counts + level * t_.stride)) * t_.weights[level];
    if (kBy == By::kMultiply) value = value * factor;
    if (kBy == By::kDivide) value = factor > 0.0f ? value / factor : Floats{};
    if (!kHard) return value;
    if (t_.nothing_is_hard) hard |= factor <= 0.0f;  // a sum of 0
    return hard ? (codes == static_cast<int32_t>(c) ? Floats{} + 1.0f : Floats{}) : value;
  }

  PIXELCAL_INLINE Lanes HardAt(size_t at) const {
    return kHard ? reinterpret_cast<Lanes>(Widened(LoadBytes(t_.hard + at)) > 0.0f) : Lanes{};
  }
  PIXELCAL_INLINE Lanes CodesAt(size_t at) const {
    Codes codes{};
    if (kHard) memcpy(&codes, t_.codes + at, sizeof codes);
    return __builtin_convertvector(codes, Lanes);
  }

  const CountTargets t_;
  const Factors factors_;
};

template <size_t kLevels, By kBy>
PIXELCAL_INLINE void StoreBy(const CountTargets& tile) {
  tile.hard ? Tile<kLevels, kBy, true>(tile).Store() : Tile<kLevels, kBy, false>(tile).Store();
}

template <size_t kLevels>
PIXELCAL_INLINE void StoreLevels(const CountTargets& tile) {
  tile.divisor.rule == DivisorRule::kNone ? StoreBy<kLevels, By::kNothing>(tile)
  : kLevels > 1 || tile.divides           ? StoreBy<kLevels, By::kDivide>(tile)
                                          : StoreBy<kLevels, By::kMultiply>(tile);
}

void Store(const CountTargets& tile) {
  switch (tile.levels) {
    case 1:
      return StoreLevels<1>(tile);
    case 2:
      return StoreLevels<2>(tile);
    case 3:
      return StoreLevels<3>(tile);
    default:
      return StoreLevels<4>(tile);
  }
}

}  // namespace

extern const CountTargetTable kCountTargets;
const CountTargetTable kCountTargets{Store};

}  // namespace pixelcal::simd::PIXELCAL_ISA
