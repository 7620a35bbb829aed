#include "calibration/temperature_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kOctaves = 8, kSteps = 4, kOne = 16;  // point 16 is 1
constexpr double kFirst = 0.0625;
constexpr double kFarBelow = -1e4;  // exp(beta x) of anything less is 0 beside exp(0), for every point

typedef float Floats __attribute__((vector_size(32)));
typedef int16_t Codes __attribute__((vector_size(16)));

PIXELCAL_INLINE Doubles At(const double* from) {
  Doubles value;
  memcpy(&value, from, sizeof value);
  return value;
}
PIXELCAL_INLINE void Put(double* to, Doubles value) { memcpy(to, &value, sizeof value); }
PIXELCAL_INLINE void AddTo(double* to, Doubles value) { Put(to, At(to) + value); }

// Reads up to eight probabilities, the rest as 0.
PIXELCAL_INLINE Doubles Wide(const float* from, size_t count) {
  Floats value{};
  memcpy(&value, from, count * sizeof(float));
  return __builtin_convertvector(value, Doubles);
}

// Reads up to eight codes, the rest as left out.
PIXELCAL_INLINE Masks CodesAt(const int16_t* from, size_t count) {
  Codes code = Codes{} - int16_t{1};
  memcpy(&code, from, count * sizeof *from);
  return __builtin_convertvector(code, Masks);
}

// `room` holds for every class x = ln p - max ln p, then the powers exp(beta x) of the four betas of an
// octave, which are those of the next octave when squared.
PIXELCAL_INLINE void AddEight(const float* const* rows, size_t at, size_t count, int64_t classes, Masks code,
                              double* room, TemperatureLanes& sums) {
  const Doubles none{};
  Doubles most = none - __builtin_inf(), own = most;
  for (int64_t c = 0; c < classes; ++c) {
    const Doubles log = Log(Wide(rows[c] + at, count));
    Put(room + 40 * c, log);
    most = Max(most, log);
    own = code == c ? log : own;
  }
  const Masks counts = code >= 0, possible = counts & (own > none - __builtin_inf());
  AddTo(sums.count, possible ? none + 1.0 : none);
  AddTo(sums.impossible, (counts & ~possible) ? none + 1.0 : none);
  own = possible ? own - most : none;
  for (int64_t c = 0; c < classes; ++c) {
    double* of_class = room + 40 * c;
    Doubles x = At(of_class) - most;
    x = x > kFarBelow ? x : none + kFarBelow;
    Put(of_class, x);
    for (int step = 0; step < kSteps; ++step)
      Put(of_class + 8 * (step + 1), Exp(x * (kFirst * (1 + 0.25 * step))));
  }
  for (int point = 0; point <= kOctaves * kSteps; ++point) {
    const int step = point % kSteps;
    Doubles s0 = none, s1 = none, s2 = none, s3 = none;
    for (int64_t c = 0; c < classes; ++c) {
      double* power = room + 40 * c + 8 * (step + 1);
      const Doubles x = At(room + 40 * c), e = At(power), ex = e * x, exx = ex * x;
      s0 += e;
      s1 += ex;
      s2 += exx;
      s3 += exx * x;
      Put(power, e * e);
    }
    const Doubles inverse = 1.0 / s0, mean = s1 * inverse, second = s2 * inverse;
    const Doubles curvature = second - mean * mean;
    AddTo(sums.slope[point], possible ? mean - own : none);
    AddTo(sums.curvature[point], possible ? curvature : none);
    AddTo(sums.third[point], possible ? s3 * inverse - mean * (second + 2.0 * curvature) : none);
    if (point == kOne) AddTo(sums.loss, possible ? Log(s0) - own : none);
  }
}

void Add(const float* const* rows, int64_t classes, const int16_t* codes, size_t count, double* room,
         TemperatureLanes* sums) {
  const size_t whole = count / kTemperatureLanes * kTemperatureLanes;
  for (size_t i = 0; i < whole; i += kTemperatureLanes)
    AddEight(rows, i, kTemperatureLanes, classes, CodesAt(codes + i, kTemperatureLanes), room, *sums);
  if (whole < count)
    AddEight(rows, whole, count - whole, classes, CodesAt(codes + whole, count - whole), room, *sums);
}

// Handles `few` pixels from i on, eight but at the end of a row.
PIXELCAL_INLINE void OddsOfEight(const float* first, const float* second, const int16_t* codes, size_t i,
                                 size_t few, PairOdds* odds, Doubles& count, Doubles& no_chance,
                                 Doubles& all_wrong) {
  constexpr int kShift = 52 - kOddsBinBits;
  constexpr uint64_t kBelow = (uint64_t{1} << kShift) - 1;
  constexpr auto kFirstBin = static_cast<uint64_t>(1023 + kOddsFirstOctave) << kOddsBinBits;
  const Doubles none{}, ones = none + 1.0;
  const Masks code = CodesAt(codes + i, few);
  const Doubles a = Wide(first + i, few), b = Wide(second + i, few);
  const Doubles most = Max(a, b), least = Min(a, b), own = code == 1 ? b : a, other = code == 1 ? a : b;
  const Masks counted = code >= 0, possible = counted & (own > 0.0), finite = possible & (least > 0.0);
  const Doubles d = Log(finite ? most / least : ones);
  const Words bits = reinterpret_cast<Words>(d);
  const Masks small = d < 1.0 / 4096;
  // The middle of the bin, and one over half its width.
  const Doubles middle = reinterpret_cast<Doubles>((bits & ~kBelow) | (uint64_t{1} << (kShift - 1)));
  const Doubles scale = reinterpret_cast<Doubles>((uint64_t{2047 + kOddsBinBits} - (bits >> 52)) << 52);
  const Doubles place = small ? (d - 1.0 / 8192) * 8192.0 : (d - middle) * scale;
  Masks bin = reinterpret_cast<Masks>((bits >> kShift) - (kFirstBin - 1));
  bin = small ? Masks{} : bin;
  bin = finite ? bin : Masks{} + kOddsBins;
  memcpy(odds->bin + i, &bin, sizeof bin);
  Put(odds->place + i, finite ? place : none);
  count += possible ? ones : none;
  no_chance += (counted & ~possible) ? ones : none;
  all_wrong += (finite & (own < other)) ? d : none;
}

void Odds(const float* first, const float* second, const int16_t* codes, size_t count, PairOdds* odds,
          PairCounts* counts) {
  Doubles possible = At(counts->count), impossible = At(counts->impossible), wrong = At(counts->wrong);
  const size_t whole = count / kTemperatureLanes * kTemperatureLanes;
  for (size_t i = 0; i < whole; i += kTemperatureLanes)
    OddsOfEight(first, second, codes, i, kTemperatureLanes, odds, possible, impossible, wrong);
  if (whole < count)
    OddsOfEight(first, second, codes, whole, count - whole, odds, possible, impossible, wrong);
  Put(counts->count, possible);
  Put(counts->impossible, impossible);
  Put(counts->wrong, wrong);
}

void AddPairs(const double* odds, const double* weights, size_t count, TemperatureLanes* sums) {
  const Doubles none{};
  for (size_t i = 0; i < count; i += kTemperatureLanes) {
    const size_t few = count - i < kTemperatureLanes ? count - i : kTemperatureLanes;
    Doubles d{}, weight{};
    memcpy(&d, odds + i, few * sizeof *odds);
    memcpy(&weight, weights + i, few * sizeof *weights);
    const Doubles first = weight * d, second = first * d, third = second * d;
    Doubles power[kSteps];  // exp(-beta d) of the four betas of an octave
    for (int step = 0; step < kSteps; ++step) power[step] = Exp(d * (-kFirst * (1 + 0.25 * step)));
    for (int point = 0; point <= kOctaves * kSteps; ++point) {
      Doubles& e = power[point % kSteps];
      const Doubles share = e / (1.0 + e), spread = share - share * share;
      AddTo(sums->slope[point], none - first * share);
      AddTo(sums->curvature[point], second * spread);
      AddTo(sums->third[point], none - third * spread * (1.0 - 2.0 * share));
      if (point == kOne) AddTo(sums->loss, weight * Log(1.0 + e));
      e = e * e;
    }
  }
}

}  // namespace

extern const TemperatureTable kTemperature;
const TemperatureTable kTemperature{Add, Odds, AddPairs};

}  // namespace pixelcal::simd::PIXELCAL_ISA
