// Binary images as bits: one instruction handles 128 to 512 pixels.
#include "morphology/bit_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

using Words = Vec<uint64_t>;
constexpr int64_t kLanes = kLanesOf<uint64_t>;

void Any3(const uint64_t* a, const uint64_t* b, const uint64_t* c, int64_t words, uint64_t* out) {
  for (int64_t i = 0; i < words; i += kLanes) Store(out + i, Load(a + i) | Load(b + i) | Load(c + i));
}

// Returns the words `at + i - 1` or `at + i + 1` in the lanes of `at + i`.
PIXELCAL_INLINE Words After(Words before, Words here) {
#if defined(__AVX512BW__)
  return __builtin_shufflevector(before, here, 7, 8, 9, 10, 11, 12, 13, 14);
#elif defined(__AVX2__)
  return __builtin_shufflevector(before, here, 3, 4, 5, 6);
#else
  return __builtin_shufflevector(before, here, 1, 2);
#endif
}

PIXELCAL_INLINE Words Before(Words here, Words behind) {
#if defined(__AVX512BW__)
  return __builtin_shufflevector(here, behind, 1, 2, 3, 4, 5, 6, 7, 8);
#elif defined(__AVX2__)
  return __builtin_shufflevector(here, behind, 1, 2, 3, 4);
#else
  return __builtin_shufflevector(here, behind, 1, 2);
#endif
}

// Returns a word and its neighbours' next bits.
PIXELCAL_INLINE Words Spread(Words before, Words here, Words behind) {
  return here | here << 1 | here >> 1 | After(before, here) >> 63 | Before(here, behind) << 63;
}

void Any3x3(const uint64_t* a, const uint64_t* b, const uint64_t* c, int64_t words, uint64_t flip,
            uint64_t* out) {
  const Words inverse = Splat(flip);
  const auto column = [&](int64_t i) { return Load(a + i) | Load(b + i) | Load(c + i); };
  Words before = Splat(a[-1] | b[-1] | c[-1]), here = column(0);
  for (int64_t i = 0; i < words; i += kLanes) {
    const Words behind = column(i + kLanes);
    Store(out + i, Spread(before, here, behind) ^ inverse);
    before = here;
    here = behind;
  }
}

void Mixed3x3(const uint64_t* a, const uint64_t* b, const uint64_t* c, const uint64_t* pixels, int64_t words,
              uint64_t* out) {
  const auto any = [&](int64_t i) { return Load(a + i) | Load(b + i) | Load(c + i); };
  const auto lacking = [&](int64_t i) {
    return ~(Load(a + i) & Load(b + i) & Load(c + i)) & Load(pixels + i);
  };
  Words any_before = Splat(a[-1] | b[-1] | c[-1]), any_here = any(0);
  Words lacking_before = {}, lacking_here = lacking(0);
  for (int64_t i = 0; i < words; i += kLanes) {
    const Words any_behind = any(i + kLanes), lacking_behind = lacking(i + kLanes);
    Store(out + i,
          Spread(any_before, any_here, any_behind) & Spread(lacking_before, lacking_here, lacking_behind));
    any_before = any_here;
    any_here = any_behind;
    lacking_before = lacking_here;
    lacking_here = lacking_behind;
  }
}

void Spread1(const uint64_t* in, const uint64_t* with, int64_t words, uint64_t flip, uint64_t* out) {
  const Words inverse = Splat(flip);
  for (int64_t i = 0; i < words; i += kLanes) {
    const Words here = Load(in + i);
    const Words any = here | here << 1 | here >> 1 | Load(in + i - 1) >> 63 | Load(in + i + 1) << 63;
    Store(out + i, (any | Load(with + i)) ^ inverse);
  }
}

// Returns the bits `64 whole + rest` after those at `at`; `rest` may be 0, hence the second shift in two
// steps.
PIXELCAL_INLINE Words Behind(const uint64_t* at, int64_t whole, uint64_t rest) {
  return Load(at + whole) >> rest | Load(at + whole + 1) << 1 << (63 - rest);
}

// A vector is read before it is written, and nothing before it is read again.
void OrBehind(uint64_t* bits, int64_t words, int64_t behind) {
  const int64_t whole = behind >> 6;
  const auto rest = static_cast<uint64_t>(behind & 63);
  for (int64_t i = 0; i < words; i += kLanes) Store(bits + i, Load(bits + i) | Behind(bits + i, whole, rest));
}

void OrTwo(const uint64_t* in, int64_t first, int64_t second, const uint64_t* with, int64_t words,
           uint64_t flip, uint64_t* out) {
  const int64_t whole1 = first >> 6, whole2 = second >> 6;
  const auto rest1 = static_cast<uint64_t>(first & 63), rest2 = static_cast<uint64_t>(second & 63);
  const Words inverse = Splat(flip);
  for (int64_t i = 0; i < words; i += kLanes) {
    Words any = Behind(in + i, whole1, rest1) | Behind(in + i, whole2, rest2);
    if (with) any |= Load(with + i);
    Store(out + i, any ^ inverse);
  }
}

void Copy(const uint64_t* in, int64_t in_stride, int64_t words, int64_t rows, uint64_t flip,
          int64_t out_stride, uint64_t* out) {
  const Words inverse = Splat(flip);
  for (int64_t row = 0; row < rows; ++row, in += in_stride, out += out_stride) {
    int64_t i = 0;
    for (; i + kLanes <= words; i += kLanes) Store(out + i, Load(in + i) ^ inverse);
    for (; i < words; ++i) out[i] = in[i] ^ flip;
  }
}

void Either(const uint64_t* a, const uint64_t* b, int64_t words, uint64_t* out) {
#pragma omp simd
  for (int64_t i = 0; i < words; ++i) out[i] = a[i] | b[i];
}

void Both(const uint64_t* a, const uint64_t* b, uint64_t flip, int64_t words, uint64_t* out) {
#pragma omp simd
  for (int64_t i = 0; i < words; ++i) out[i] = a[i] & (b[i] ^ flip);
}

int64_t Count(const uint64_t* a, const uint64_t* b, int64_t words) {
  int64_t sum = 0;
  for (int64_t i = 0; i < words; ++i) sum += __builtin_popcountll(a[i] & b[i]);
  return sum;
}

}  // namespace

extern const BitsTable kBits;
const BitsTable kBits{Any3, Any3x3, Mixed3x3, Spread1, OrBehind, OrTwo, Copy, Either, Both, Count};

}  // namespace pixelcal::simd::PIXELCAL_ISA
