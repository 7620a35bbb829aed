#include "components/inside_loops.h"

#include "calibration/histogram_loops.h"
#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

PIXELCAL_INLINE bool All(Masks lanes) {
#if defined(__AVX512BW__)
  return _mm512_movepi64_mask(reinterpret_cast<__m512i>(lanes)) == 0xff;
#else
  int64_t all = -1;
  for (int lane = 0; lane < 8; ++lane) all &= lanes[lane];
  return all != 0;
#endif
}

size_t AddRun(const float* p, const uint8_t* hit, size_t count, float above, float up_to, uint64_t* units,
              uint64_t* hits) {
  constexpr uint64_t kUnits = (uint64_t{1} << 52) - 1;
  Words sums{};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    EightFloats narrow;
    memcpy(&narrow, p + i, sizeof narrow);
    const Doubles value = Wide(narrow);
    if (!All((value > static_cast<double>(above)) & (value <= static_cast<double>(up_to)) & (value >= 0.0)))
      break;
    sums += reinterpret_cast<Words>(value + kCellOffset) & kUnits;
    uint64_t bytes;
    memcpy(&bytes, hit + i, sizeof bytes);
    *hits += bytes * 0x0101010101010101u >> 56;
  }
  for (int lane = 0; lane < 8; ++lane) *units += sums[lane];
  return i;
}

}  // namespace

extern const InsideTable kInside;
const InsideTable kInside{AddRun};

}  // namespace pixelcal::simd::PIXELCAL_ISA
