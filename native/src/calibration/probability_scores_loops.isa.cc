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

PIXELCAL_INLINE void LossesOfEight(const float* label_p, size_t few, double* losses) {
  EightFloats p = EightFloats{} + 1.0f;
  memcpy(&p, label_p, few * sizeof *label_p);
  const Doubles loss = Doubles{} - Log(Wide(p));
  memcpy(losses, &loss, few * sizeof *losses);
}

void Losses(const float* label_p, size_t count, double* losses) {
  const size_t whole = count / kWidth * kWidth;  // a copy of a known size is one instruction
  for (size_t i = 0; i < whole; i += kWidth) LossesOfEight(label_p + i, kWidth, losses + i);
  if (whole < count) LossesOfEight(label_p + whole, count - whole, losses + whole);
}

// The squares are added as AddClass adds them.
PIXELCAL_INLINE void ReadEightPairs(const float* first, const float* second, const int16_t* codes, size_t few,
                                    double* brier, float* label_p, double* losses) {
  const Doubles none{}, ones = none + 1.0;
  EightFloats a{}, b{};
  EightCodes code{};
  memcpy(&a, first, few * sizeof *first);
  memcpy(&b, second, few * sizeof *second);
  memcpy(&code, codes, few * sizeof *codes);
  const Masks wide = Wide(code), is_second = wide == int64_t{1};
  const Doubles p = Wide(a), q = Wide(b);
  const Doubles of_first = p - (wide == int64_t{0} ? ones : none), of_second = q - (is_second ? ones : none);
  const Doubles square = of_second * of_second + of_first * of_first, own = is_second ? q : p;
  const EightFloats chosen = __builtin_convertvector(is_second, decltype(a > b)) ? b : a;
  const Doubles loss = none - Log(own);
  memcpy(brier, &square, few * sizeof *brier);
  memcpy(label_p, &chosen, few * sizeof *label_p);
  memcpy(losses, &loss, few * sizeof *losses);
}

void ReadPair(const float* first, const float* second, const int16_t* codes, size_t count, double* brier,
              float* label_p, double* losses) {
  const size_t whole = count / kWidth * kWidth;
  for (size_t i = 0; i < whole; i += kWidth)
    ReadEightPairs(first + i, second + i, codes + i, kWidth, brier + i, label_p + i, losses + i);
  if (whole < count)
    ReadEightPairs(first + whole, second + whole, codes + whole, count - whole, brier + whole,
                   label_p + whole, losses + whole);
}

struct Sums {
  Doubles total{}, brier{}, log_loss{}, bounded{};
};

template <bool kBounded>
PIXELCAL_INLINE void SumEight(const double* brier, const float* label_p, const double* losses,
                              const int16_t* codes, const float* weights, double floor, Doubles at_floor,
                              Sums& sums) {
  const Masks counts = Wide(LoadAll<EightCodes>(codes)) >= 0;
  Doubles weight = weights ? Wide(LoadAll<EightFloats>(weights)) : Doubles{} + 1.0;
  weight = counts ? weight : Doubles{};
  const Masks low = kBounded ? Wide(LoadAll<EightFloats>(label_p)) < floor : Masks{};
  const Doubles loss = low ? at_floor : LoadAll<Doubles>(losses);
  sums.total += weight;
  sums.brier += weight * LoadAll<Doubles>(brier);
  sums.log_loss += weight > 0.0 ? weight * loss : Doubles{};
  if constexpr (kBounded) sums.bounded += (low & (weight > 0.0)) ? Doubles{} + 1.0 : Doubles{};
}

template <bool kBounded>
ScoreSums SumAny(const double* brier, const float* label_p, const double* losses, const int16_t* codes,
                 const float* weights, double floor, size_t count) {
  const Doubles at_floor = Doubles{} - Log(Doubles{} + (kBounded ? floor : 1.0));
  Sums sums;
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    SumEight<kBounded>(brier + i, label_p + i, losses + i, codes + i, weights ? weights + i : nullptr, floor,
                       at_floor, sums);
  if (i < count) {
    const size_t rest = count - i;
    double last_brier[kWidth] = {}, last_losses[kWidth] = {};
    float last_p[kWidth] = {}, last_weights[kWidth] = {};
    int16_t last_codes[kWidth];
    for (size_t j = 0; j < kWidth; ++j) last_codes[j] = j < rest ? codes[i + j] : int16_t{-1};
    memcpy(last_brier, brier + i, rest * sizeof *brier);
    memcpy(last_losses, losses + i, rest * sizeof *losses);
    memcpy(last_p, label_p + i, rest * sizeof *label_p);
    if (weights) memcpy(last_weights, weights + i, rest * sizeof *weights);
    SumEight<kBounded>(last_brier, last_p, last_losses, last_codes, weights ? last_weights : nullptr, floor,
                       at_floor, sums);
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

ScoreSums Sum(const double* brier, const float* label_p, const double* losses, const int16_t* codes,
              const float* weights, double floor, size_t count) {
  return floor > 0 ? SumAny<true>(brier, label_p, losses, codes, weights, floor, count)
                   : SumAny<false>(brier, label_p, losses, codes, weights, floor, count);
}

}  // namespace

extern const ProbabilityScoresTable kProbabilityScores;
const ProbabilityScoresTable kProbabilityScores{AddClass, Losses, ReadPair, Sum};

}  // namespace pixelcal::simd::PIXELCAL_ISA
