#include "calibration/probability_scores_loops.h"

#include "calibration/log_loops.h"
#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kWidth = 8;  // pixels at a time, in one or more vectors

template <class V, class T>
PIXELCAL_INLINE V LoadAll(const T* from) {
  V value;
  memcpy(&value, from, sizeof value);
  return value;
}

PIXELCAL_INLINE void AddEight(const float* p, const int16_t* codes, int16_t c, double* brier,
                              float* label_p) {
  const EightFloats value = LoadAll<EightFloats>(p);
  const Masks is = Wide(LoadAll<EightCodes>(codes)) == static_cast<int64_t>(c);
  const Doubles difference = Wide(value) - (is ? Doubles{} + 1.0 : Doubles{});
  Doubles square = difference * difference;
  EightFloats chosen = value;
  if (c > 0) {
    square += LoadAll<Doubles>(brier);
    chosen = __builtin_convertvector(is, decltype(chosen > chosen)) ? value : LoadAll<EightFloats>(label_p);
  }
  memcpy(brier, &square, sizeof square);
  memcpy(label_p, &chosen, sizeof chosen);
}

void AddClass(const float* p, const int16_t* codes, int16_t c, size_t count, double* brier, float* label_p) {
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) AddEight(p + i, codes + i, c, brier + i, label_p + i);
  for (; i < count; ++i) {
    const double difference = static_cast<double>(p[i]) - (codes[i] == c ? 1.0 : 0.0);
    brier[i] = difference * difference + (c > 0 ? brier[i] : 0.0);
    label_p[i] = c > 0 && codes[i] != c ? label_p[i] : p[i];
  }
}

struct Sums {
  Doubles total{}, brier{}, log_loss{}, bounded{};
};

template <bool kBounded>
PIXELCAL_INLINE void SumEight(const double* brier, const float* label_p, const int16_t* codes,
                              const float* weights, double floor, Sums& sums) {
  const Masks counts = Wide(LoadAll<EightCodes>(codes)) >= 0;
  Doubles weight = weights ? Wide(LoadAll<EightFloats>(weights)) : Doubles{} + 1.0;
  weight = counts ? weight : Doubles{};
  const Doubles p = Wide(LoadAll<EightFloats>(label_p));
  const Masks low = kBounded ? p < floor : Masks{};
  const Doubles loss = Doubles{} - Log(kBounded ? (low ? Doubles{} + floor : p) : p);
  sums.total += weight;
  sums.brier += weight * LoadAll<Doubles>(brier);
  sums.log_loss += weight > 0.0 ? weight * loss : Doubles{};
  if constexpr (kBounded) sums.bounded += (low & (weight > 0.0)) ? Doubles{} + 1.0 : Doubles{};
}

template <bool kBounded>
ScoreSums SumAny(const double* brier, const float* label_p, const int16_t* codes, const float* weights,
                 double floor, size_t count) {
  Sums sums;
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    SumEight<kBounded>(brier + i, label_p + i, codes + i, weights ? weights + i : nullptr, floor, sums);
  if (i < count) {
    const size_t rest = count - i;
    double last_brier[kWidth] = {};
    float last_p[kWidth] = {}, last_weights[kWidth] = {};
    int16_t last_codes[kWidth];
    for (size_t j = 0; j < kWidth; ++j) last_codes[j] = j < rest ? codes[i + j] : int16_t{-1};
    memcpy(last_brier, brier + i, rest * sizeof *brier);
    memcpy(last_p, label_p + i, rest * sizeof *label_p);
    if (weights) memcpy(last_weights, weights + i, rest * sizeof *weights);
    SumEight<kBounded>(last_brier, last_p, last_codes, weights ? last_weights : nullptr, floor, sums);
  }
  ScoreSums result{};
  for (int lane = 0; lane < kWidth; ++lane) {
    result.total += sums.total[lane];
    result.brier += sums.brier[lane];
    result.log_loss += sums.log_loss[lane];
    result.bounded += sums.bounded[lane];
  }
  return result;
}

ScoreSums Sum(const double* brier, const float* label_p, const int16_t* codes, const float* weights,
              double floor, size_t count) {
  return floor > 0 ? SumAny<true>(brier, label_p, codes, weights, floor, count)
                   : SumAny<false>(brier, label_p, codes, weights, floor, count);
}

}  // namespace

extern const ProbabilityScoresTable kProbabilityScores;
const ProbabilityScoresTable kProbabilityScores{AddClass, Sum};

}  // namespace pixelcal::simd::PIXELCAL_ISA
