#include "simd/confusion.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kLanes = kLanesOf<int16_t>;
using Codes = Vec<int16_t>;

PIXELCAL_INLINE bool AllZero(Codes value) {
#if defined(__AVX512BW__)
  return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(value), reinterpret_cast<__m512i>(value)) == 0;
#elif defined(__AVX2__)
  return _mm256_testz_si256(reinterpret_cast<__m256i>(value), reinterpret_cast<__m256i>(value));
#else
  const Codes zero{};
  return memcmp(&value, &zero, sizeof value) == 0;
#endif
}

// Vectors of one and the same pair, as inside of regions, only lengthen a run.
void Count(const int16_t* truth, const int16_t* guess, size_t count, int64_t classes, uint32_t* counts) {
  const int64_t none = classes * classes, size = none + 1;
  const auto cell = [&](int16_t is, int16_t seen) { return is < 0 ? none : is * classes + seen; };
  int16_t is = -1, seen = -1;
  uint32_t run = 0;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Codes truths = Load(truth + i), guesses = Load(guess + i);
    if (!AllZero((truths ^ is) | (guesses ^ seen))) {
      if (!AllZero((truths ^ truth[i]) | (guesses ^ guess[i]))) {
        for (int j = 0; j < kLanes; ++j)
          ++counts[j % kConfusionTables * size + cell(truth[i + j], guess[i + j])];
        continue;
      }
      counts[cell(is, seen)] += run;
      run = 0;
      is = truth[i];
      seen = guess[i];
    }
    run += kLanes;
  }
  counts[cell(is, seen)] += run;
  for (; i < count; ++i) ++counts[cell(truth[i], guess[i])];
}

}  // namespace

extern const ConfusionTable kConfusion;
const ConfusionTable kConfusion{Count};

}  // namespace pixelcal::simd::PIXELCAL_ISA
