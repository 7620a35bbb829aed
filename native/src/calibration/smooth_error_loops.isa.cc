#include "calibration/smooth_error_loops.h"

#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr double kPi = 3.141592653589793;
constexpr int64_t kWide = 8;  // doubles

PIXELCAL_INLINE Doubles LoadEight(const double* from) {
  Doubles value;
  memcpy(&value, from, sizeof value);
  return value;
}
PIXELCAL_INLINE void StoreEight(double* to, Doubles value) { memcpy(to, &value, sizeof value); }

PIXELCAL_INLINE Doubles Magnitude(Doubles x) {
  return reinterpret_cast<Doubles>(reinterpret_cast<Words>(x) & (~uint64_t{0} >> 1));
}

// Returns cos(pi x) for |x| < 2^40 to an absolute 2^-52: x less its nearest even number, then the sine of
// what is missing to pi / 2, its series up to x^21.
PIXELCAL_INLINE Doubles CosineOfPi(Doubles x) {
  constexpr double kRound = 0x1.8p52;
  const Doubles turns = (x * 0.5 + kRound) - kRound;
  const Doubles angle = (0.5 - Magnitude(x - 2.0 * turns)) * kPi, z = angle * angle;
  Doubles series = z * (1.0 / 51090942171709440000.0) - 1.0 / 121645100408832000.0;
  series = series * z + 1.0 / 355687428096000.0;
  series = series * z - 1.0 / 1307674368000.0;
  series = series * z + 1.0 / 6227020800.0;
  series = series * z - 1.0 / 39916800.0;
  series = series * z + 1.0 / 362880.0;
  series = series * z - 1.0 / 5040.0;
  series = series * z + 1.0 / 120.0;
  series = series * z - 1.0 / 6.0;
  return angle + angle * (z * series);
}

// Returns the sum of the lanes, in their order.
PIXELCAL_INLINE double SumOfLanes(Doubles lanes) {
  double sum = 0;
  for (int lane = 0; lane < kWide; ++lane) sum += lanes[lane];
  return sum;
}

// cos(k pi p) of eight places for one k after the other: cos (k + 1) a = 2 cos a cos k a - cos (k - 1) a.
struct Places {
  Doubles twice, before, now, mass;

  PIXELCAL_INLINE Places(const double* p, const double* masses, double begin)
      : twice(2.0 * CosineOfPi(LoadEight(p))),
        before(CosineOfPi((begin - 1) * LoadEight(p))),
        now(CosineOfPi(begin * LoadEight(p))),
        mass(LoadEight(masses)) {}
  PIXELCAL_INLINE Doubles Next() {
    const Doubles term = mass * now, next = twice * now - before;
    before = now;
    now = next;
    return term;
  }
};

// Begun anew for every kCosines, before rounding adds up.
void CosineSums(const double* p, const double* mass, size_t count, int64_t begin, double* sums) {
  alignas(64) double lanes[kCosines * kWide] = {};
  const auto from = static_cast<double>(begin);
  for (size_t i = 0; i < count; i += kPlaceGroup) {
    // The chains of operations of four do not wait for each other.
    Places a(p + i, mass + i, from), b(p + i + kWide, mass + i + kWide, from),
        c(p + i + 2 * kWide, mass + i + 2 * kWide, from), d(p + i + 3 * kWide, mass + i + 3 * kWide, from);
    for (int64_t k = 0; k < kCosines; ++k) {
      double* to = lanes + k * kWide;
      StoreEight(to, LoadEight(to) + ((a.Next() + b.Next()) + (c.Next() + d.Next())));
    }
  }
  for (int64_t k = 0; k < kCosines; ++k) sums[k] = SumOfLanes(LoadEight(lanes + k * kWide));
}

// The sums of even and of odd cosines at eight places, by Clenshaw's recurrence over kCosines at a time: at
// the mirrored place even cosines are the same, and odd ones change their sign.
struct Halves {
  Doubles place, twice, even{}, odd{};

  PIXELCAL_INLINE explicit Halves(Doubles t) : place(t), twice(2.0 * CosineOfPi(2.0 * t)) {}
  PIXELCAL_INLINE void Add(const double* factors, int64_t begin) {
    Doubles even_now{}, even_before{}, odd_now{}, odd_before{};
    for (int64_t k = kCosines - 2; k >= 0; k -= 2) {
      const Doubles next_even = twice * even_now + (factors[k] - even_before),
                    next_odd = twice * odd_now + (factors[k + 1] - odd_before);
      even_before = even_now;
      odd_before = odd_now;
      even_now = next_even;
      odd_now = next_odd;
    }
    const auto cosine = [&](int64_t k) { return CosineOfPi(static_cast<double>(k) * place); };
    even += even_now * cosine(begin) - even_before * cosine(begin - 2);
    odd += odd_now * cosine(begin + 1) - odd_before * cosine(begin - 1);
  }
  // Returns half of |even + odd| + |even - odd|.
  PIXELCAL_INLINE Doubles Larger() const {
    const Doubles a = Magnitude(even), b = Magnitude(odd);
    return a > b ? a : b;
  }
};

double MeanMagnitude(const double* sums, int64_t count, double width, int64_t points) {
  alignas(64) double factors[kMostCosines];
  Doubles k = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int64_t i = 0; i < count; i += kWide, k += static_cast<double>(kWide)) {
    const Doubles x = k * (kPi * width);
    StoreEight(factors + i, 2.0 * Exp(x * x * -0.5) * LoadEight(sums + i));
  }
  factors[0] /= 2;
  Doubles total{};
  const double part = 1.0 / static_cast<double>(points);
  Doubles t = (Doubles{0, 1, 2, 3, 4, 5, 6, 7} + 0.5) * part;
  for (int64_t j = 0; j < points / 2; j += 2 * kWide) {
    Halves a(t), b(t + 8.0 * part);
    for (int64_t begin = 0; begin < count; begin += kCosines) {
      a.Add(factors + begin, begin);
      b.Add(factors + begin, begin);
    }
    total += a.Larger() + b.Larger();
    t += 16.0 * part;
  }
  return 2 * SumOfLanes(total) * part;
}

}  // namespace

extern const SmoothErrorTable kSmoothError;
const SmoothErrorTable kSmoothError{CosineSums, MeanMagnitude};

}  // namespace pixelcal::simd::PIXELCAL_ISA
