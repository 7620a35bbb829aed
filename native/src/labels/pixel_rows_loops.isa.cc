#include "labels/pixel_rows_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kLanes = kLanesOf<float>;
using Floats = Vec<float>;
using Ints = Vec<int32_t>;
typedef int16_t Codes __attribute__((vector_size(2 * kLanes)));

template <class T, int kCount>
struct Several {
  typedef T Type __attribute__((vector_size(kCount * sizeof(T))));
};

template <class V>
PIXELCAL_INLINE bool Any(V lanes) {
  V none{};
  return memcmp(&lanes, &none, sizeof lanes) != 0;
}

// Works in lanes of `Lane`, which holds all labels and codes; Unsigned is Lane without a sign.
template <class T, class Lane, class Unsigned>
PIXELCAL_INLINE CodeFlags Encode(const T* labels, size_t count, LabelRange range, int16_t* codes) {
  constexpr int kCount = kLanesOf<Lane>;
  using Labels = typename Several<T, kCount>::Type;
  using Narrow = typename Several<int16_t, kCount>::Type;
  // A value that T cannot hold matches no label; no class is beyond 2^15.
  const bool ignores = range.ignores && static_cast<T>(range.ignored) == range.ignored;
  const Lane ignored = ignores ? static_cast<Lane>(range.ignored) : Lane{};
  const auto highest = static_cast<Unsigned>(range.classes - 1);
  Vec<Lane> any_wrong{}, any_out{};
  size_t i = 0;
  for (; i + kCount <= count; i += kCount) {
    Labels from;
    memcpy(&from, labels + i, sizeof from);
    const Vec<Lane> label = __builtin_convertvector(from, Vec<Lane>);
    const Vec<Lane> out = ignores ? label == ignored : Vec<Lane>{};
    const Vec<Lane> wrong = (reinterpret_cast<Vec<Unsigned>>(label) > highest) & ~out;
    any_out |= out;
    any_wrong |= wrong;
    static_assert(kLeftOut == -1 && kInvalid == -2);  // all ones, and twice that
    const Narrow code = __builtin_convertvector(((label & ~wrong) + wrong + wrong) | out, Narrow);
    memcpy(codes + i, &code, sizeof code);
  }
  CodeFlags flags{Any(any_wrong), Any(any_out)};
  for (; i < count; ++i) {
    const auto label = static_cast<Lane>(labels[i]);
    const bool out = ignores && label == ignored;
    const bool wrong = !out && static_cast<Unsigned>(label) > highest;
    flags.left_out |= out;
    flags.invalid |= wrong;
    codes[i] = out ? kLeftOut : wrong ? kInvalid : static_cast<int16_t>(label);
  }
  return flags;
}

// Writes codes of labels that are all classes; returns false, with unusable codes, if any is not.
PIXELCAL_INLINE bool EncodeClasses(const int64_t* labels, size_t count, int64_t classes, int16_t* codes) {
  size_t i = 0;
  int64_t any = 0;
  int16_t most = 0;
#if defined(__AVX512BW__)
  // The lowest 16 bits of each label, and whether other bits are set.
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i narrow = _mm512_set_epi16(62, 60, 58, 56, 54, 52, 50, 48, 46, 44, 42, 40, 38, 36, 34, 32, 30,
                                          28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  __m512i all = _mm512_setzero_si512(), largest = all;
  for (; i + 32 <= count; i += 32) {
    const __m512i a = _mm512_loadu_si512(labels + i), b = _mm512_loadu_si512(labels + i + 8);
    const __m512i c = _mm512_loadu_si512(labels + i + 16), d = _mm512_loadu_si512(labels + i + 24);
    constexpr int kOr = 0xfe;
    all = _mm512_ternarylogic_epi64(_mm512_ternarylogic_epi64(all, a, b, kOr), c, d, kOr);
    const __m512i code = _mm512_permutex2var_epi16(_mm512_permutex2var_epi32(a, even, b), narrow,
                                                   _mm512_permutex2var_epi32(c, even, d));
    largest = _mm512_maskz_max_epu16(0xffffffff, largest, code);
    _mm512_storeu_si512(codes + i, code);
  }
  if (_mm512_test_epi64_mask(all, _mm512_set1_epi64(~int64_t{0x7fff})) != 0 ||
      _mm512_cmpgt_epu16_mask(largest, _mm512_set1_epi16(static_cast<int16_t>(classes - 1))) != 0)
    return false;
#endif
#pragma omp simd reduction(| : any) reduction(max : most)
  for (size_t at = i; at < count; ++at) {
    any |= labels[at];
    codes[at] = static_cast<int16_t>(labels[at]);
    most = codes[at] > most ? codes[at] : most;
  }
  return (any & ~int64_t{0x7fff}) == 0 && most < classes;
}

CodeFlags EncodeUint8(const uint8_t* labels, size_t count, LabelRange range, int16_t* codes) {
  return Encode<uint8_t, int16_t, uint16_t>(labels, count, range, codes);
}
CodeFlags EncodeInt32(const int32_t* labels, size_t count, LabelRange range, int16_t* codes) {
  return Encode<int32_t, int32_t, uint32_t>(labels, count, range, codes);
}
CodeFlags EncodeInt64(const int64_t* labels, size_t count, LabelRange range, int16_t* codes) {
  const bool plain = !range.ignores || range.ignored < 0 || range.ignored >= range.classes;
  if (plain && EncodeClasses(labels, count, range.classes, codes)) return {false, false};
  return Encode<int64_t, int64_t, uint64_t>(labels, count, range, codes);
}

void LeaveOut(const uint8_t* mask, size_t count, int16_t* codes) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) codes[i] = mask[i] ? codes[i] : kLeftOut;
}

void OfObjects(const int16_t* codes, const int16_t* answers, size_t count, int16_t* out) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = codes[i] == 0 ? kLeftOut : answers[i];
}

// As unsigned numbers the bits of floats rise from 0 to 1; larger ones, NaN and negative ones follow.
bool InUnit(const float* values, size_t count) {
  uint32_t above = 0;
#pragma omp simd reduction(| : above)
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, values + i, sizeof bits);
    above |= bits > 0x3f800000u;
  }
  return above == 0;
}

bool HalfInUnit(const uint16_t* values, size_t count) {
  uint16_t above = 0;
#pragma omp simd reduction(| : above)
  for (size_t i = 0; i < count; ++i) above = static_cast<uint16_t>(above | (values[i] > 0x3c00));
  return above == 0;
}

// Widens without hardware support: the shifted bits are a float32 that is 2^112 times too small (denormals
// too, as multiplication makes them normal); infinities and NaN need the largest exponent.
PIXELCAL_INLINE float WidenOne(uint16_t half) {
  const uint32_t magnitude = (half & 0x7fffu) << 13;
  float value;
  memcpy(&value, &magnitude, sizeof value);
  value *= 0x1p112f;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
  bits |= (half & 0x8000u) << 16;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void Widen(const uint16_t* values, size_t count, float* out) {
  size_t i = 0;
#if defined(__AVX512BW__)
  for (; i + 16 <= count; i += 16)
    _mm512_storeu_ps(out + i, _mm512_maskz_cvtph_ps(
                                  0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i))));
#elif defined(__F16C__)
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i))));
#endif
  for (; i < count; ++i) out[i] = WidenOne(values[i]);
}

void Complement(const float* values, size_t count, float* out) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) out[i] = 1.0f - values[i];
}

void IsForeground(const int16_t* codes, size_t count, int16_t* answers) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i)
    answers[i] = codes[i] > 0 ? int16_t{1} : codes[i];  // 0 and left-out codes stay
}

void IsWinner(const int16_t* codes, const int16_t* winner, size_t count, int16_t* answers) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i)
    answers[i] = codes[i] < 0 ? kLeftOut : static_cast<int16_t>(codes[i] == winner[i]);
}

bool TakeLarger(const float* values, size_t count, int16_t row, float* best, int16_t* winner) {
  Ints nan{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Floats value = Load(values + i);
    nan |= value != value;
    Codes code = Codes{} + row;
    Floats largest = value;
    if (row > 0) {
      const Floats old = Load(best + i);
      Codes old_code;
      memcpy(&old_code, winner + i, sizeof old_code);
      const Ints larger = value > old;
      largest = larger ? value : old;
      code = __builtin_convertvector(larger, Codes) ? code : old_code;
    }
    Store(best + i, largest);
    memcpy(winner + i, &code, sizeof code);
  }
  bool any = Any(nan);
  for (; i < count; ++i) {
    any |= values[i] != values[i];
    if (row > 0 && !(values[i] > best[i])) continue;
    best[i] = values[i];
    winner[i] = row;
  }
  return any;
}

float Least(const float* values, size_t count) {
  float least = __builtin_inff();
#pragma omp simd reduction(min : least)
  for (size_t i = 0; i < count; ++i) least = values[i] < least ? values[i] : least;
  return least;
}

void AddRow(const float* values, size_t count, double* sums) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) sums[i] += static_cast<double>(values[i]);
}

bool AnyOutside(const double* sums, size_t count, double low, double high) {
  int any = 0;
#pragma omp simd reduction(| : any)
  for (size_t i = 0; i < count; ++i) any |= !(sums[i] >= low) | !(sums[i] <= high);
  return any != 0;
}

bool AnyPairOutside(const float* first, const float* second, size_t count, double low, double high) {
  int any = 0;
#pragma omp simd reduction(| : any)
  for (size_t i = 0; i < count; ++i) {
    const double sum = static_cast<double>(first[i]) + static_cast<double>(second[i]);
    any |= !(sum >= low) | !(sum <= high);
  }
  return any != 0;
}

}  // namespace

extern const PixelRowsTable kPixelRows;
const PixelRowsTable kPixelRows{EncodeUint8, EncodeInt32, EncodeInt64, LeaveOut,      OfObjects, InUnit,
                                HalfInUnit,  Widen,       Complement,  IsForeground,  IsWinner,  TakeLarger,
                                Least,       AddRow,      AnyOutside,  AnyPairOutside};

}  // namespace pixelcal::simd::PIXELCAL_ISA
