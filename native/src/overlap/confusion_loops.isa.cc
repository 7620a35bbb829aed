#include "overlap/confusion_loops.h"

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

// Adds a vector's pairs one by one. With few classes the number of a pair fits a lane.
PIXELCAL_INLINE void AddPairs(Codes truths, Codes guesses, int64_t classes, uint32_t* counts) {
  const int64_t none = classes * classes, size = none + 1;
  if (none <= INT16_MAX) {
    const Codes pairs =
        truths < 0 ? Codes{} + static_cast<int16_t>(none) : truths * static_cast<int16_t>(classes) + guesses;
    int16_t cells[kLanes];
    memcpy(cells, &pairs, sizeof cells);
    for (int j = 0; j < kLanes; ++j) ++counts[j % kConfusionTables * size + cells[j]];
  } else {
    for (int j = 0; j < kLanes; ++j)
      ++counts[j % kConfusionTables * size + (truths[j] < 0 ? none : truths[j] * classes + guesses[j])];
  }
}

// Vectors that repeat one pair, as inside regions, only lengthen a run.
void Count(const int16_t* truth, const int16_t* guess, size_t count, int64_t classes, uint32_t* counts) {
  const auto cell = [&](int16_t is, int16_t seen) {
    return is < 0 ? classes * classes : is * classes + seen;
  };
  int16_t is = -1, seen = -1;
  uint32_t run = 0;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Codes truths = Load(truth + i), guesses = Load(guess + i);
    if (!AllZero((truths ^ is) | (guesses ^ seen))) {
      if (!AllZero((truths ^ truth[i]) | (guesses ^ guess[i]))) {
        AddPairs(truths, guesses, classes, counts);
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
