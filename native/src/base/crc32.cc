// Sixteen bytes at a time by tables, or by folding: 64 bytes are a polynomial whose remainder stays the same
// when its upper part is multiplied by the remainder of a power of x. Gopal et al., "Fast CRC computation for
// generic polynomials using PCLMULQDQ instruction" (Intel, 2009), whose constants for reflected bits these
// are.
#include "base/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace pixelcal {
namespace {

constexpr size_t kSlices = 16;

// tables[k][b]: the remainder of byte b with k bytes of 0 behind it.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, kSlices> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xedb88320u : 0u);
    tables[0][byte] = rest;
  }
  for (size_t k = 1; k < kSlices; ++k)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  return tables;
}();

}  // namespace

namespace internal {

uint32_t Crc32Bytes(uint32_t state, const uint8_t* bytes, size_t count) {
  for (; count >= kSlices; count -= kSlices, bytes += kSlices) {
    uint32_t next = 0;
    for (size_t i = 0; i < kSlices; ++i) {
      const uint32_t of_state = i < 4 ? state >> (8 * i) : 0;
      next ^= kTables[kSlices - 1 - i][(bytes[i] ^ of_state) & 0xff];
    }
    state = next;
  }
  for (; count > 0; --count) state = state >> 8 ^ kTables[0][(state ^ *bytes++) & 0xff];
  return state;
}

#if defined(__x86_64__)

bool HasCarrylessMultiply() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) && (c & bit_SSE4_1);
  }();
  return has;
}

__attribute__((target("pclmul,sse4.1"))) uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes,
                                                            size_t count) {
  const auto load = [](const uint8_t* at) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  // Returns `high` times the two factors, one for each of its halves, and what lies behind it.
  const auto fold =
      [](__m128i high, __m128i factors, __m128i behind) __attribute__((target("pclmul,sse4.1"))) {
    const __m128i low_half = _mm_clmulepi64_si128(high, factors, 0x00),
                  high_half = _mm_clmulepi64_si128(high, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low_half, high_half), behind);
  };
  const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4),
                by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  __m128i part[4];
  for (int i = 0; i < 4; ++i) part[i] = load(bytes + 16 * i);
  part[0] = _mm_xor_si128(part[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64)
    for (int i = 0; i < 4; ++i) part[i] = fold(part[i], by_64, load(bytes + 16 * i));
  __m128i all = part[0];
  for (int i = 1; i < 4; ++i) all = fold(all, by_16, part[i]);
  for (; count >= 16; bytes += 16, count -= 16) all = fold(all, by_16, load(bytes));
  // From 128 bits to 64, then to 32 by Barrett's reduction.
  const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);
  all = _mm_xor_si128(_mm_srli_si128(all, 8), _mm_clmulepi64_si128(all, by_16, 0x10));
  all = _mm_xor_si128(_mm_srli_si128(all, 4), _mm_clmulepi64_si128(_mm_and_si128(all, low_words),
                                                                   _mm_set_epi64x(0, 0x0163cd6124), 0x00));
  const __m128i reduction = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(all, low_words), reduction, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), reduction, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(all, quotient), 1));
}

#else

bool HasCarrylessMultiply() { return false; }
uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes, size_t count) {
  return Crc32Bytes(state, bytes, count);
}

#endif

}  // namespace internal

uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t start) {
  uint32_t state = ~start;
  if (bytes.size() >= 64 && internal::HasCarrylessMultiply()) {
    const size_t whole = bytes.size() / 16 * 16;
    state = internal::Crc32Fast(state, bytes.data(), whole);
    bytes = bytes.subspan(whole);
  }
  return ~internal::Crc32Bytes(state, bytes.data(), bytes.size());
}

}  // namespace pixelcal
