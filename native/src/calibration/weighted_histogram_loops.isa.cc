#include "calibration/weighted_histogram_loops.h"

#include "calibration/bin_slots.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kGroup = 16;  // pixels handled together, in one or more vectors
constexpr int kPairs = kSlotCells / 2;

typedef double Pair __attribute__((vector_size(16)));

// Pixel i of a row goes to pair i % 4 of its slot at any vector width, so that the order of additions is
// fixed.
template <BinSearch kSearch, int kTable>
void AddWeightedRow(const float* p, const int16_t* codes, const float* weights, size_t count, const Row& row,
                    double* slots) {
  for (size_t i = 0; i < count; i += kGroup) {
    const size_t rest = count - i < kGroup ? count - i : kGroup;
    float values[kGroup] = {};
    int16_t verdicts[kGroup] = {};
    memcpy(values, p + i, rest * sizeof *p);
    memcpy(verdicts, codes + i, rest * sizeof *codes);
    int32_t offsets[kGroup];
    for (int v = 0; v < kGroup; v += kLanes)
      Store(offsets + v, SlotOffsets<kSearch, kTable, false>(values + v, verdicts + v, row));
    for (size_t j = 0; j < rest; ++j) {
      const double weight = weights[i + j];
      double* to = slots + offsets[j] + j % kPairs * 2;
      Pair sums;
      memcpy(&sums, to, sizeof sums);
      sums += Pair{weight, weight * values[j]};
      memcpy(to, &sums, sizeof sums);
    }
  }
}

void AddWeighted(const float* p, const int16_t* codes, int16_t hit, const float* weights, size_t count,
                 BinLimits limits, double* slots) {
  const Row row{limits, hit, LastSlot(limits)};
  if (limits.search == BinSearch::kCount)
    AddWeightedRow<BinSearch::kCount, 0>(p, codes, weights, count, row, slots);
  else if (limits.search == BinSearch::kLookup)
    AddWeightedRow<BinSearch::kLookup, 0>(p, codes, weights, count, row, slots);
  else if (limits.bins < 16)
    AddWeightedRow<BinSearch::kGrid, 16>(p, codes, weights, count, row, slots);
  else
    AddWeightedRow<BinSearch::kGrid, 33>(p, codes, weights, count, row, slots);
}

}  // namespace

extern const WeightedHistogramTable kWeightedHistogram;
const WeightedHistogramTable kWeightedHistogram{AddWeighted};

}  // namespace pixelcal::simd::PIXELCAL_ISA
