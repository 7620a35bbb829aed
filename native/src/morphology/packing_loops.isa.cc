// Bytes to bits and back, 64 pixels per word: the bytes are compared to a mask on the way in and expanded
// from a mask on the way out.
#include "morphology/packing_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// Returns the bits of the nonzero, or zero, ones of 64 pixels.
template <bool kInvert>
PIXELCAL_INLINE uint64_t PackWord(const uint8_t* pixels) {
#if defined(__AVX512BW__)
  const __m512i v = _mm512_loadu_si512(pixels);
  return kInvert ? _mm512_testn_epi8_mask(v, v) : _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
  const auto zeros = [&](int at) -> uint64_t {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels + at));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256())));
  };
  const uint64_t none = zeros(0) | zeros(32) << 32;
  return kInvert ? none : ~none;
#elif defined(__SSE2__)
  const auto zeros = [&](int at) -> uint64_t {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels + at));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())));
  };
  const uint64_t none = zeros(0) | zeros(16) << 16 | zeros(32) << 32 | zeros(48) << 48;
  return kInvert ? none : ~none;
#elif defined(__aarch64__)
  // There is no mask of signs: eight bytes that are each a power of two or 0 have their bits as a sum.
  const uint8x16_t powers = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const auto zeros = [&](int at) -> uint64_t {
    const uint8x16_t chosen = vandq_u8(vceqzq_u8(vld1q_u8(pixels + at)), powers);
    return vaddv_u8(vget_low_u8(chosen)) | static_cast<uint64_t>(vaddv_u8(vget_high_u8(chosen))) << 8;
  };
  const uint64_t none = zeros(0) | zeros(16) << 16 | zeros(32) << 32 | zeros(48) << 48;
  return kInvert ? none : ~none;
#else
  uint64_t word = 0;
  for (int i = 0; i < 64; ++i) word |= static_cast<uint64_t>((pixels[i] == 0) == kInvert) << i;
  return word;
#endif
}

// Returns eight bits as eight bytes of 0 and 1.
[[maybe_unused]] PIXELCAL_INLINE uint64_t Expand8(uint64_t bits) {
  const uint64_t chosen = (bits & 0xff) * 0x0101010101010101u & 0x8040201008040201u;
  return ((chosen + 0x7f7f7f7f7f7f7f7fu) | chosen) >> 7 & 0x0101010101010101u;
}

#if defined(__AVX512BW__)
PIXELCAL_INLINE __m512i Expand(uint64_t word) { return _mm512_maskz_mov_epi8(word, _mm512_set1_epi8(1)); }
#elif defined(__AVX2__)
PIXELCAL_INLINE __m256i Expand(uint32_t half) {
  const __m256i byte_of = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit_of = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(half)), byte_of);
  return _mm256_min_epu8(_mm256_and_si256(bytes, bit_of), _mm256_set1_epi8(1));
}
#endif

// Writes 64 pixels; for kStream `pixels` is a multiple of 64.
template <bool kStream>
PIXELCAL_INLINE void UnpackWord(uint64_t word, uint8_t* pixels) {
#if defined(__AVX512BW__)
  if constexpr (kStream)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(pixels), Expand(word));
  else
    _mm512_storeu_si512(pixels, Expand(word));
#elif defined(__AVX2__)
  for (int half = 0; half < 2; ++half) {
    const auto to = reinterpret_cast<__m256i*>(pixels) + half;
    const __m256i bytes = Expand(static_cast<uint32_t>(word >> 32 * half));
    if constexpr (kStream)
      _mm256_stream_si256(to, bytes);
    else
      _mm256_storeu_si256(to, bytes);
  }
#else
  for (int part = 0; part < 8; part += 2) {
    const uint64_t pair[2] = {Expand8(word >> 8 * part), Expand8(word >> 8 * (part + 1))};
#if defined(__SSE2__)
    if constexpr (kStream) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(pixels + 8 * part),
                       _mm_set_epi64x(static_cast<long long>(pair[1]), static_cast<long long>(pair[0])));
      continue;
    }
#endif
    memcpy(pixels + 8 * part, pair, sizeof pair);
  }
#endif
}

// Packs fewer than 64 pixels.
template <bool kInvert>
PIXELCAL_INLINE uint64_t PackPart(const uint8_t* pixels, int64_t count) {
#if defined(__AVX512BW__)
  const __mmask64 present = ~(~uint64_t{0} << count);
  const __m512i v = _mm512_maskz_loadu_epi8(present, pixels);
  return kInvert ? _mm512_testn_epi8_mask(v, v) : _mm512_test_epi8_mask(v, v);
#else
  uint8_t padded[64] = {};
  memcpy(padded, pixels, static_cast<size_t>(count));
  return PackWord<kInvert>(padded);
#endif
}

PIXELCAL_INLINE void UnpackPart(uint64_t word, int64_t count, uint8_t* pixels) {
#if defined(__AVX512BW__)
  _mm512_mask_storeu_epi8(pixels, ~(~uint64_t{0} << count), Expand(word));
#else
  uint8_t padded[64];
  UnpackWord<false>(word, padded);
  memcpy(pixels, padded, static_cast<size_t>(count));
#endif
}

template <bool kInvert>
PIXELCAL_INLINE void PackRows(const uint8_t* pixels, int64_t count, int64_t rows, int64_t stride,
                              uint64_t* words) {
  for (int64_t row = 0; row < rows; ++row, pixels += count, words += stride) {
    int64_t x = 0;
#pragma GCC unroll 4
    for (; x + 64 <= count; x += 64) words[x >> 6] = PackWord<kInvert>(pixels + x);
    if (x < count) words[x >> 6] = PackPart<kInvert>(pixels + x, count - x);
  }
}

void Pack(const uint8_t* pixels, int64_t count, int64_t rows, uint64_t flip, int64_t stride,
          uint64_t* words) {
  if (flip == 0)
    PackRows<false>(pixels, count, rows, stride, words);
  else
    PackRows<true>(pixels, count, rows, stride, words);
}

// Returns the 64 bits from `x` on; bits from `end` on are undefined.
PIXELCAL_INLINE uint64_t BitsAt(const uint64_t* words, int64_t x, int64_t end) {
  const uint64_t low = words[x >> 6] >> (x & 63);
  return (x & 63) + end - x <= 64 ? low : low | words[(x >> 6) + 1] << 1 << (63 - (x & 63));
}

// Stores go to whole cache lines, to which the bits are shifted: that costs less than stores across lines.
// The pixels before and after them are written by overlapping stores or, where stores bypass the caches, by
// shorter ones.
template <bool kStream>
PIXELCAL_INLINE void UnpackRow(const uint64_t* words, int64_t count, uint8_t* pixels) {
  if (count < 64) return UnpackPart(*words, count, pixels);
  const auto head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(pixels) & 63);
  int64_t x = head;
  if (head == 0) {
    for (; x + 64 <= count; x += 64) UnpackWord<kStream>(words[x >> 6], pixels + x);
  } else {
    if constexpr (kStream)
      UnpackPart(*words, head, pixels);
    else
      UnpackWord<false>(*words, pixels);
    const uint64_t* at = words;
    for (; x + 64 <= count; x += 64, ++at)
      UnpackWord<kStream>(at[0] >> head | at[1] << (64 - head), pixels + x);
  }
  if (x == count) return;
  if constexpr (kStream)
    UnpackPart(BitsAt(words, x, count), count - x, pixels + x);
  else
    UnpackWord<false>(BitsAt(words, count - 64, count), pixels + count - 64);
}

// Rows of whole words are one run of pixels, of which only the first and last cache line can be partial.
template <bool kStream>
PIXELCAL_INLINE void UnpackWholeWords(const uint64_t* words, int64_t stride, int64_t count, int64_t rows,
                                      uint8_t* pixels) {
  const auto head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(pixels) & 63);
  uint64_t before = *words;
  if (head > 0) {
    UnpackPart(before, head, pixels);
    pixels += head;
  }
  for (int64_t row = 0; row < rows; ++row, words += stride) {
    if (head == 0) {
      for (int64_t i = 0; i < count; ++i, pixels += 64) UnpackWord<kStream>(words[i], pixels);
      continue;
    }
    for (int64_t i = row == 0 ? 1 : 0; i < count; ++i, pixels += 64) {
      UnpackWord<kStream>(before >> head | words[i] << (64 - head), pixels);
      before = words[i];
    }
  }
  if (head > 0) UnpackPart(before >> head, 64 - head, pixels);
}

template <bool kStream>
PIXELCAL_INLINE void UnpackRows(const uint64_t* words, int64_t stride, int64_t count, int64_t rows,
                                uint8_t* pixels) {
  if (count % 64 == 0) return UnpackWholeWords<kStream>(words, stride, count / 64, rows, pixels);
  for (int64_t row = 0; row < rows; ++row)
    UnpackRow<kStream>(words + row * stride, count, pixels + row * count);
}

void Unpack(const uint64_t* words, int64_t stride, int64_t count, int64_t rows, uint8_t* pixels) {
  UnpackRows<false>(words, stride, count, rows, pixels);
}

void UnpackStreaming(const uint64_t* words, int64_t stride, int64_t count, int64_t rows, uint8_t* pixels) {
  UnpackRows<true>(words, stride, count, rows, pixels);
}

void Drain() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace

extern const PackingTable kPacking;
const PackingTable kPacking{Pack, Unpack, UnpackStreaming, Drain};

}  // namespace pixelcal::simd::PIXELCAL_ISA
