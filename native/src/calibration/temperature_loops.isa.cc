#include "calibration/temperature_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kOctaves = 8, kSteps = 4, kOne = 16;  // point 16 is 1
constexpr double kFirst = 0.0625;
constexpr double kFarBelow = -1e4;  // exp(beta x) of anything less is 0 beside exp(0), for every point

PIXELCAL_INLINE Doubles At(const double* from) {
  Doubles value;
  memcpy(&value, from, sizeof value);
  return value;
}
PIXELCAL_INLINE void Put(double* to, Doubles value) { memcpy(to, &value, sizeof value); }
PIXELCAL_INLINE void AddTo(double* to, Doubles value) { Put(to, At(to) + value); }

// Reads up to eight probabilities, the rest as 0.
PIXELCAL_INLINE Doubles FloatsFrom(const float* from, size_t count) {
  EightFloats value{};
  memcpy(&value, from, count * sizeof(float));
  return Wide(value);
}

// Reads up to eight codes, the rest as left out.
PIXELCAL_INLINE Masks CodesAt(const int16_t* from, size_t count) {
  EightCodes code = EightCodes{} - int16_t{1};
  memcpy(&code, from, count * sizeof *from);
  return Wide(code);
}

// `room` holds for every class x = ln p - max ln p, then the powers exp(beta x) of the four betas of an
// octave, which are those of the next octave when squared.
PIXELCAL_INLINE void AddEight(const float* const* rows, size_t at, size_t count, int64_t classes, Masks code,
                              double* room, TemperatureLanes& sums) {
  const Doubles none{};
  Doubles most = none - __builtin_inf(), own = most;
  for (int64_t c = 0; c < classes; ++c) {
    const Doubles log = Log(FloatsFrom(rows[c] + at, count));
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

constexpr size_t kBatch = 64;  // pixels whose places stay in the first-level cache

// The cells of a batch, as offsets, and the places in their bins with their squares.
struct Places {
  alignas(64) int64_t offset[kBatch];
  alignas(64) double place[kBatch], square[kBatch];
};

// Handles `few` pixels from i on, eight but at the end of a row.
PIXELCAL_INLINE void PlacesOfEight(const float* first, const float* second, const int16_t* codes, size_t few,
                                   size_t to, Places& places, Doubles& count, Doubles& no_chance,
                                   Masks& last) {
  constexpr int kFine = 52 - kFineBits, kCoarse = 52 - kCoarseBits;
  constexpr uint64_t kFineHalf = uint64_t{1} << (kFine - 1), kCoarseHalf = uint64_t{1} << (kCoarse - 1);
  constexpr auto kFineExponent = static_cast<uint64_t>(1023 - kFineOctaves);  // where the fine octaves begin
  const Doubles none{}, ones = none + 1.0;
  const Masks code = CodesAt(codes, few);
  const Doubles a = FloatsFrom(first, few), b = FloatsFrom(second, few);
  const Doubles most = Max(a, b), least = Min(a, b), own = code == 1 ? b : a;
  const Masks counted = code >= 0, possible = counted & (own > 0.0), finite = possible & (least > 0.0);
  const Doubles ratio = finite ? least / most : ones;
  const Words bits = reinterpret_cast<Words>(ratio), exponent = bits >> 52;
  const Masks fine = reinterpret_cast<Masks>(exponent) >= static_cast<int64_t>(kFineExponent);
  const Words fine_middle = (bits & ~(2 * kFineHalf - 1)) | kFineHalf;
  const Words coarse_middle = (bits & ~(2 * kCoarseHalf - 1)) | kCoarseHalf;
  const Doubles middle = reinterpret_cast<Doubles>(fine ? fine_middle : coarse_middle);
  // One over half the bin's width, a power of two.
  const Words power = fine ? Words{} + (2047 + kFineBits) : Words{} + (2047 + kCoarseBits);
  const Words scale = (power - exponent) << 52;
  const Doubles place = (ratio - middle) * reinterpret_cast<Doubles>(scale);
  const Words down = fine ? (uint64_t{1023} << kFineBits) - (bits >> kFine)
                          : (kFineExponent << kCoarseBits) - 1 + kFineBins - (bits >> kCoarse);
  const Masks bin = reinterpret_cast<Masks>(down);
  const Masks wrong = finite & (own < most);
  constexpr int64_t kOdd = kTableCells;
  const Masks table = wrong ? Masks{} + kWrongTable * kTableCells : Masks{0, kOdd, 0, kOdd, 0, kOdd, 0, kOdd};
  const Masks cell = (finite ? bin : Masks{} + kRatioBins) + table;
  const Masks offset = cell * kCellNumbers;
  memcpy(places.offset + to, &offset, sizeof offset);
  Put(places.place + to, place);
  Put(places.square + to, place * place);
  count += possible ? ones : none;
  no_chance += (counted & ~possible) ? ones : none;
  last = (finite & (bin > last)) ? bin : last;
}

PIXELCAL_INLINE void AddPlace(double* cell, double place, double square) {
#if defined(__AVX512BW__)
  const __m512d ones = _mm512_set1_pd(1), u = _mm512_set1_pd(place), u2 = _mm512_set1_pd(square);
  const __m512d five = _mm512_maskz_mov_pd(0x1f, ones);
  const __m512d a = _mm512_mask_mov_pd(_mm512_mask_mov_pd(five, 0x0a, u), 0x10, u2);
  const __m512d b = _mm512_mask_mov_pd(five, 0x1c, u2);
  _mm512_storeu_pd(cell, _mm512_add_pd(_mm512_loadu_pd(cell), _mm512_mul_pd(a, b)));
#else
  cell[0] += 1;
  cell[1] += place;
  cell[2] += square;
  cell[3] += place * square;
  cell[4] += square * square;
#endif
}

void AddMoments(const float* first, const float* second, const int16_t* codes, size_t count, double* cells,
                PairCounts* counts) {
  Places places;
  Doubles possible = At(counts->count), impossible = At(counts->impossible);
  Masks last;
  memcpy(&last, counts->last, sizeof last);
  for (size_t begin = 0; begin < count; begin += kBatch) {
    const size_t size = count - begin < kBatch ? count - begin : kBatch, whole = size / 8 * 8;
    const auto find = [&](size_t i, size_t few) {
      const size_t at = begin + i;
      PlacesOfEight(first + at, second + at, codes + at, few, i, places, possible, impossible, last);
    };
    for (size_t i = 0; i < whole; i += 8) find(i, 8);
    if (whole < size) find(whole, size - whole);
    for (size_t i = 0; i < size; ++i) AddPlace(cells + places.offset[i], places.place[i], places.square[i]);
  }
  Put(counts->count, possible);
  Put(counts->impossible, impossible);
  memcpy(counts->last, &last, sizeof last);
}

void AddPairs(const double* ratios, const double* weights, const double* wrong, size_t count,
              TemperatureLanes* sums) {
  const Doubles none{};
  for (size_t i = 0; i < count; i += kTemperatureLanes) {
    const size_t few = count - i < kTemperatureLanes ? count - i : kTemperatureLanes;
    Doubles ratio = none + 1.0, weight{}, less{};
    memcpy(&ratio, ratios + i, few * sizeof *ratios);
    memcpy(&weight, weights + i, few * sizeof *weights);
    memcpy(&less, wrong + i, few * sizeof *wrong);
    // The first bin ends above 1, where no pixel is.
    const Doubles d = Max(none - Log(ratio), none), lost = less * d;
    const Doubles first = weight * d, second = first * d, third = second * d;
    Doubles power[kSteps];  // exp(-beta d) of the four betas of an octave
    for (int step = 0; step < kSteps; ++step) power[step] = Exp(d * (-kFirst * (1 + 0.25 * step)));
    for (int point = 0; point <= kOctaves * kSteps; ++point) {
      Doubles& e = power[point % kSteps];
      const Doubles share = e / (1.0 + e), spread = share - share * share;
      AddTo(sums->slope[point], lost - first * share);
      AddTo(sums->curvature[point], second * spread);
      AddTo(sums->third[point], none - third * spread * (1.0 - 2.0 * share));
      if (point == kOne) AddTo(sums->loss, lost + weight * Log(1.0 + e));
      e = e * e;
    }
  }
}

}  // namespace

extern const TemperatureTable kTemperature;
const TemperatureTable kTemperature{Add, AddMoments, AddPairs};

}  // namespace pixelcal::simd::PIXELCAL_ISA
