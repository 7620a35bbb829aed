#include "surface/corner_codes_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

PIXELCAL_INLINE uint8_t Square(const uint8_t* above, const uint8_t* below) {
  return static_cast<uint8_t>(above[0] << 3 | above[1] << 2 | below[0] << 1 | below[1]);
}

void CornerCodes(const uint8_t* pixels, int64_t row, int64_t plane, int64_t count, uint8_t* codes) {
  const uint8_t *a = pixels, *b = a + row, *c = a + plane, *d = c + row;
  if (plane == 0) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t code = Square(a + i, b + i);
      codes[i] = code == 15 ? uint8_t{0} : code;
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const auto code = static_cast<uint8_t>(Square(a + i, b + i) << 4 | Square(c + i, d + i));
    codes[i] = code == 255 ? uint8_t{0} : code;
  }
}

}  // namespace

extern const CornerCodesTable kCornerCodes;
const CornerCodesTable kCornerCodes{CornerCodes};

}  // namespace pixelcal::simd::PIXELCAL_ISA
