#include "calibrators/softmax_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr size_t kWidth = 8;  // pixels at a time, in one or more vectors
typedef float Floats __attribute__((vector_size(32)));
typedef uint16_t Codes __attribute__((vector_size(16)));

// Loads up to eight values; the missing ones are 0.
template <class V, class T>
PIXELCAL_INLINE V LoadSome(const T* from, size_t count) {
  V value{};
  memcpy(&value, from, (count < kWidth ? count : kWidth) * sizeof(T));
  return value;
}

template <class V, class T>
PIXELCAL_INLINE V LoadAll(const T* from) {
  V value;
  memcpy(&value, from, sizeof value);
  return value;
}

// kAll: eight pixels are there. Then copies have a constant length.
template <bool kAll, class V, class T>
PIXELCAL_INLINE V LoadEight(const T* from, size_t count) {
  return kAll ? LoadAll<V>(from) : LoadSome<V>(from, count);
}

template <bool kAll>
PIXELCAL_INLINE void StoreEight(double* to, Doubles value, size_t count) {
  memcpy(to, &value, kAll ? sizeof value : count * sizeof(double));
}

template <bool kAll>
PIXELCAL_INLINE Doubles LoadWide(const float* from, size_t count) {
  return __builtin_convertvector((LoadEight<kAll, Floats>(from, count)), Doubles);
}

template <bool kAll>
PIXELCAL_INLINE void ScaledLossOfEight(const float* logits, size_t stride, size_t classes,
                                       const double* scales, const uint16_t* labels, size_t count,
                                       double* loss, double* gradient, double* hessian) {
  const Masks label = __builtin_convertvector((LoadEight<kAll, Codes>(labels, count)), Masks);
  const Doubles scale = LoadEight<kAll, Doubles>(scales, count);
  Doubles top = LoadWide<kAll>(logits, count);
  for (size_t c = 1; c < classes; ++c) {
    const Doubles z = LoadWide<kAll>(logits + c * stride, count);
    top = z > top ? z : top;
  }
  Doubles sum{}, first{}, second{}, of_label{};
  for (size_t c = 0; c < classes; ++c) {
    const Doubles d = LoadWide<kAll>(logits + c * stride, count) - top;
    const Doubles e = Exp(scale * d), ed = e * d;
    sum += e;
    first += ed;
    second += ed * d;
    of_label = label == static_cast<int64_t>(c) ? d : of_label;
  }
  const Doubles mean = first / sum;
  StoreEight<kAll>(loss, Log(sum) - scale * of_label, count);
  StoreEight<kAll>(gradient, mean - of_label, count);
  StoreEight<kAll>(hessian, second / sum - mean * mean, count);
}

void ScaledLoss(const float* logits, size_t stride, size_t classes, const double* scales,
                const uint16_t* labels, size_t count, double* loss, double* gradient, double* hessian) {
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    ScaledLossOfEight<true>(logits + i, stride, classes, scales + i, labels + i, kWidth, loss + i,
                            gradient + i, hessian + i);
  if (i < count)
    ScaledLossOfEight<false>(logits + i, stride, classes, scales + i, labels + i, count - i, loss + i,
                             gradient + i, hessian + i);
}

template <bool kAll>
PIXELCAL_INLINE void CentreEight(const float* logits, size_t stride, size_t classes, size_t count,
                                 double* out, size_t row, uint16_t* top) {
  Doubles best = LoadWide<kAll>(logits, count), sum = best;
  Masks winner{};
  for (size_t c = 1; c < classes; ++c) {
    const Doubles z = LoadWide<kAll>(logits + c * stride, count);
    const Masks larger = z > best;
    best = larger ? z : best;
    winner = larger ? Masks{} + static_cast<int64_t>(c) : winner;
    sum += z;
  }
  const Doubles mean = sum / static_cast<double>(classes);
  for (size_t c = 0; c < classes; ++c)
    StoreEight<kAll>(out + c * row, LoadWide<kAll>(logits + c * stride, count) - mean, count);
  const Codes codes = __builtin_convertvector(winner, Codes);
  memcpy(top, &codes, kAll ? sizeof codes : count * sizeof *top);
}

void Centre(const float* logits, size_t stride, size_t classes, size_t count, double* out, size_t row,
            uint16_t* top) {
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    CentreEight<true>(logits + i, stride, classes, kWidth, out + i, row, top + i);
  if (i < count) CentreEight<false>(logits + i, stride, classes, count - i, out + i, row, top + i);
}

template <bool kAll>
PIXELCAL_INLINE void LogSoftmaxOfEight(const double* u, size_t row, size_t classes, size_t count, double* p,
                                       double* normalizer) {
  Doubles top = LoadEight<kAll, Doubles>(u, count), sum{};
  for (size_t c = 1; c < classes; ++c) {
    const Doubles value = LoadEight<kAll, Doubles>(u + c * row, count);
    top = value > top ? value : top;
  }
  for (size_t c = 0; c < classes; ++c) {
    const Doubles e = Exp(LoadEight<kAll, Doubles>(u + c * row, count) - top);
    StoreEight<kAll>(p + c * row, e, count);
    sum += e;
  }
  for (size_t c = 0; c < classes; ++c)
    StoreEight<kAll>(p + c * row, LoadEight<kAll, Doubles>(p + c * row, count) / sum, count);
  StoreEight<kAll>(normalizer, top + Log(sum), count);
}

void LogSoftmax(const double* u, size_t row, size_t classes, size_t count, double* p, double* normalizer) {
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    LogSoftmaxOfEight<true>(u + i, row, classes, kWidth, p + i, normalizer + i);
  if (i < count) LogSoftmaxOfEight<false>(u + i, row, classes, count - i, p + i, normalizer + i);
}

}  // namespace

extern const SoftmaxTable kSoftmax;
const SoftmaxTable kSoftmax{ScaledLoss, Centre, LogSoftmax};

}  // namespace pixelcal::simd::PIXELCAL_ISA
