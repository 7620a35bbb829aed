#include "components/crest_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <class T>
void Limit(const T* before, size_t count, T* row) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const T step = static_cast<T>(before[i] + 1);
    row[i] = row[i] < step ? row[i] : step;
  }
}

template <class T>
void Spread(const T* row, size_t count, T* out) {
  if (count == 1) {
    out[0] = row[0];
    return;
  }
#pragma omp simd
  for (size_t i = 1; i < count - 1; ++i) {
    const T sides = row[i - 1] > row[i + 1] ? row[i - 1] : row[i + 1];
    out[i] = row[i] > sides ? row[i] : sides;
  }
  out[0] = row[0] > row[1] ? row[0] : row[1];
  out[count - 1] = row[count - 1] > row[count - 2] ? row[count - 1] : row[count - 2];
}

template <class T>
void Raise(const T* other, size_t count, T* largest) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) largest[i] = largest[i] > other[i] ? largest[i] : other[i];
}

#if defined(__AVX512BW__)
PIXELCAL_INLINE uint32_t MarkHalf(const uint16_t* row, const uint16_t* largest, size_t count) {
  const __mmask32 few = count < 32 ? (uint32_t{1} << count) - 1 : ~uint32_t{0};
  const __m512i own = _mm512_maskz_loadu_epi16(few, row);
  return _mm512_test_epi16_mask(own, own) &
         _mm512_cmpge_epu16_mask(own, _mm512_maskz_loadu_epi16(few, largest));
}

void Mark(const uint16_t* row, const uint16_t* largest, size_t count, uint64_t* words) {
  for (size_t i = 0; i < count; i += 64) {
    uint64_t word = MarkHalf(row + i, largest + i, count - i);
    if (count - i > 32) word |= uint64_t{MarkHalf(row + i + 32, largest + i + 32, count - i - 32)} << 32;
    words[i / 64] = word;
  }
}
#endif

template <class T>
void Mark(const T* row, const T* largest, size_t count, uint64_t* words) {
  for (size_t begin = 0; begin < count; begin += 64) {
    const size_t few = count - begin < 64 ? count - begin : 64;
    uint8_t crest[64] = {};
#pragma omp simd
    for (size_t i = 0; i < few; ++i)
      crest[i] = row[begin + i] > 0 && row[begin + i] >= largest[begin + i] ? uint8_t{1} : uint8_t{0};
    uint64_t word = 0;
    for (size_t eight = 0; eight < 8; ++eight) {
      uint64_t bytes;
      memcpy(&bytes, crest + 8 * eight, sizeof bytes);
      // Gathers the lowest bits of eight bytes.
      word |= (bytes * 0x0102040810204080u) >> 56 << (8 * eight);
    }
    words[begin / 64] = word;
  }
}

}  // namespace

extern const CrestTable kCrest;
const CrestTable kCrest{{Limit<uint16_t>, Spread<uint16_t>, Raise<uint16_t>, Mark},
                        {Limit<uint32_t>, Spread<uint32_t>, Raise<uint32_t>, Mark}};

}  // namespace pixelcal::simd::PIXELCAL_ISA
