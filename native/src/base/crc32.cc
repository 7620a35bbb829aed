// Sixteen bytes at a time by tables, or by folding: 64 bytes are a polynomial whose remainder stays the same
// when its upper part is multiplied by the remainder of a power of x. Gopal et al., "Fast CRC computation for
// generic polynomials using PCLMULQDQ instruction" (Intel, 2009), whose constants for reflected bits these
// are.
#include "base/crc32.h"

#include <array>
#include <cstring>

#include "simd/isa.h"

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

bool HasWideMultiply() {
  static const bool has = [] {
    constexpr unsigned kVectorMultiply = 1u << 10;
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & kVectorMultiply);
  }();
  return has && ActiveIsa() == Isa::kAvx512;
}

#define PIXELCAL_NARROW __attribute__((target("pclmul,sse4.1")))
// Vectors of 64 bytes are a feature of their own for Clang 18 to 21, which Zig turns off.
#if defined(__clang__) && __clang_major__ >= 18 && __clang_major__ <= 21
#define PIXELCAL_VECTORS "avx512f,evex512"
#else
#define PIXELCAL_VECTORS "avx512f"
#endif
#define PIXELCAL_WIDE __attribute__((target(PIXELCAL_VECTORS ",vpclmulqdq,pclmul,sse4.1")))

namespace {

// Factors of the lower and the upper half of 16 bytes that lie 16, 64 or 256 bytes further on.
struct Factors {
  int64_t low, high;
};
constexpr Factors kBy16{0x01751997d0, 0x00ccaa009e}, kBy64{0x0154442bd4, 0x01c6e41596},
    kBy256{0x011542778a, 0x01322d1430};

PIXELCAL_NARROW inline __m128i Load(const uint8_t* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// Returns `high` times the factors of its halves, and what lies behind it.
PIXELCAL_NARROW inline __m128i Fold(__m128i high, Factors by, __m128i behind) {
  const __m128i factors = _mm_set_epi64x(by.high, by.low);
  const __m128i low_half = _mm_clmulepi64_si128(high, factors, 0x00),
                high_half = _mm_clmulepi64_si128(high, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low_half, high_half), behind);
}
PIXELCAL_WIDE inline __m512i Fold(__m512i high, Factors by, __m512i behind) {
  const __m512i factors =
      _mm512_set_epi64(by.high, by.low, by.high, by.low, by.high, by.low, by.high, by.low);
  constexpr int kXor3 = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(high, factors, 0x00),
                                   _mm512_clmulepi64_epi128(high, factors, 0x11), behind, kXor3);
}

// Folds the rest, a multiple of 16 bytes, then 128 bits to 64, and these to 32 by Barrett's reduction.
PIXELCAL_NARROW uint32_t Reduced(__m128i all, const uint8_t* bytes, size_t count) {
  for (; count >= 16; bytes += 16, count -= 16) all = Fold(all, kBy16, Load(bytes));
  const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0), by_16 = _mm_set_epi64x(kBy16.high, kBy16.low);
  all = _mm_xor_si128(_mm_srli_si128(all, 8), _mm_clmulepi64_si128(all, by_16, 0x10));
  all = _mm_xor_si128(_mm_srli_si128(all, 4), _mm_clmulepi64_si128(_mm_and_si128(all, low_words),
                                                                   _mm_set_epi64x(0, 0x0163cd6124), 0x00));
  const __m128i reduction = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(all, low_words), reduction, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), reduction, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(all, quotient), 1));
}

}  // namespace

PIXELCAL_NARROW uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes, size_t count) {
  __m128i part[4];
  for (int i = 0; i < 4; ++i) part[i] = Load(bytes + 16 * i);
  part[0] = _mm_xor_si128(part[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64)
    for (int i = 0; i < 4; ++i) part[i] = Fold(part[i], kBy64, Load(bytes + 16 * i));
  for (int i = 1; i < 4; ++i) part[i] = Fold(part[i - 1], kBy16, part[i]);
  return Reduced(part[3], bytes, count);
}

PIXELCAL_WIDE uint32_t Crc32Wide(uint32_t state, const uint8_t* bytes, size_t count) {
  __m512i part[4];
  for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(bytes + 64 * i);
  part[0] = _mm512_xor_si512(part[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  for (bytes += 256, count -= 256; count >= 256; bytes += 256, count -= 256)
    for (int i = 0; i < 4; ++i) part[i] = Fold(part[i], kBy256, _mm512_loadu_si512(bytes + 64 * i));
  for (int i = 1; i < 4; ++i) part[i] = Fold(part[i - 1], kBy64, part[i]);
  alignas(64) uint8_t last[64];
  _mm512_store_si512(last, part[3]);
  return Reduced(
      Fold(Fold(Fold(Load(last), kBy16, Load(last + 16)), kBy16, Load(last + 32)), kBy16, Load(last + 48)),
      bytes, count);
}

#undef PIXELCAL_NARROW
#undef PIXELCAL_VECTORS
#undef PIXELCAL_WIDE

#else

bool HasCarrylessMultiply() { return false; }
bool HasWideMultiply() { return false; }
uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes, size_t count) {
  return Crc32Bytes(state, bytes, count);
}
uint32_t Crc32Wide(uint32_t state, const uint8_t* bytes, size_t count) {
  return Crc32Bytes(state, bytes, count);
}

#endif

}  // namespace internal

uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t start) {
  uint32_t state = ~start;
  if (bytes.size() >= 64 && internal::HasCarrylessMultiply()) {
    const size_t whole = bytes.size() / 16 * 16;
    const bool wide = whole >= 256 && internal::HasWideMultiply();
    state = wide ? internal::Crc32Wide(state, bytes.data(), whole)
                 : internal::Crc32Fast(state, bytes.data(), whole);
    bytes = bytes.subspan(whole);
  }
  return ~internal::Crc32Bytes(state, bytes.data(), bytes.size());
}

}  // namespace pixelcal
