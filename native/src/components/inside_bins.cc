// Runs of pixels in one bin, as most are inside of lesions, are compared with its limits and added up in
// registers; only the first pixel of each looks for its bin. All sums are whole units: exact in any order.
#include "components/inside_bins.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "calibration/exact_sum.h"
#include "calibration/exact_units.h"
#include "components/inside_loops.h"
#include "labels/float_rows.h"

namespace pixelcal::cpu {
namespace {

class InsideBins {
 public:
  explicit InsideBins(int64_t bins)
      : limits_(static_cast<size_t>(bins + 1)), sums_(static_cast<size_t>(bins)) {
    // The largest p with ceil(p * bins) <= m, which float64 multiplies exactly.
    const auto width = static_cast<double>(bins);
    for (size_t m = 0; m < limits_.size(); ++m) {
      limits_[m] = static_cast<float>(static_cast<double>(m) / width);
      while (limits_[m] * width > static_cast<double>(m)) limits_[m] = std::nextafter(limits_[m], -1.0f);
      for (float next = limits_[m]; next * width <= static_cast<double>(m); next = std::nextafter(next, 2.0f))
        limits_[m] = next;
    }
    limits_[0] = -1;
  }

  // Adds pixels and returns the sum of p in units; `first` is the number of the first one in messages.
  uint64_t Add(const float* p, const uint8_t* hit, int64_t count, int64_t first) {
    uint64_t all = 0;
    for (int64_t x = 0; x < count;) {
      const float value = Checked(p[x], first + x);
      const double place = std::ceil(static_cast<double>(value) * static_cast<double>(sums_.size()));
      const auto bin = static_cast<size_t>(std::max(place - 1, 0.0));
      const float above = limits_[bin], up_to = limits_[bin + 1];
      uint64_t units = internal::ProbabilityUnits(value), hits = hit[x];
      int64_t end = x + 1;
      end += static_cast<int64_t>(InsideLoops().add_run(p + end, hit + end, static_cast<size_t>(count - end),
                                                        above, up_to, &units, &hits));
      for (; end < count && p[end] > above && p[end] <= up_to && p[end] >= 0; ++end) {
        units += internal::ProbabilityUnits(p[end]);
        hits += hit[end];
      }
      Sums& sums = sums_[bin];
      sums.count += end - x;
      sums.hits += static_cast<int64_t>(hits);
      sums.units.Add(units);
      all += units;
      x = end;
    }
    return all;
  }

  void Write(LesionTable& table) const {
    for (const Sums& sums : sums_) {
      table.count.push_back(static_cast<double>(sums.count));
      table.confidence.push_back(sums.units.Value());
      table.accuracy.push_back(static_cast<double>(sums.hits));
    }
  }

 private:
  struct Sums {
    int64_t count = 0, hits = 0;
    FixedTotal units;
  };

  static float Checked(float p, int64_t pixel) {
    Require(p >= 0 && p <= 1.001f, "probs: expected probabilities in [0, 1], got ", p, " at pixel ", pixel);
    return std::min(p, 1.0f);
  }

  std::vector<float> limits_;  // bin m has the p above limit m, up to limit m + 1
  std::vector<Sums> sums_;
};

}  // namespace

void AddConfidence(const internal::ComponentRuns& of, const internal::ComponentRuns& truth,
                   const FloatSpan& probs, int64_t at, int64_t pixels, std::span<const int64_t> set,
                   int64_t bins, LesionTable& table) {
  InsideBins inside(bins);
  std::vector<FixedTotal> units(table.predicted.size());
  std::vector<float> room(static_cast<size_t>(of.dhw[2])), sums(room.size());
  std::vector<uint8_t> hit(room.size());
  for (int64_t row = 0; row < of.Rows(); ++row) {
    if (of.row_begin[row] == of.row_begin[row + 1]) continue;
    std::fill(hit.begin(), hit.end(), uint8_t{0});
    for (int64_t j = truth.row_begin[row]; j < truth.row_begin[row + 1]; ++j)
      std::fill(hit.begin() + truth.runs[j].start, hit.begin() + truth.runs[j].end, uint8_t{1});
    for (int64_t i = of.row_begin[row]; i < of.row_begin[row + 1]; ++i) {
      const auto [start, end] = of.runs[i];
      const int64_t first = row * of.dhw[2] + start, count = end - start;
      const float* p = sums.data();
      if (set.size() == 1) {
        p = FloatsAt(probs, at + set[0] * pixels + first, count, room.data());
      } else {
        std::fill_n(sums.begin(), count, 0.0f);
        for (const int64_t c : set) {
          const float* row_of = FloatsAt(probs, at + c * pixels + first, count, room.data());
          for (int64_t x = 0; x < count; ++x) sums[x] += row_of[x];
        }
      }
      units[of.component[i]].Add(inside.Add(p, hit.data() + start, count, first));
    }
  }
  for (size_t i = 0; i < units.size(); ++i) table.predicted[i].confidence = units[i].Value();
  inside.Write(table);
}

}  // namespace pixelcal::cpu
