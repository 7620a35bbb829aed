#include "calibration/weighted_histogram_loops.h"

#include "calibration/bin_slots.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kGroup = 16;  // pixels handled together, in one or more vectors
constexpr int kPairs = kSlotCells / 2;

typedef double Pair __attribute__((vector_size(16)));

typedef double Four __attribute__((vector_size(32)));
typedef double Cells __attribute__((vector_size(64)));
typedef float FourFloats __attribute__((vector_size(16)));

PIXELCAL_INLINE Four Wide(const float* from) {
#if defined(__AVX512BW__)
  // GCC 12 converts four values in parts.
  return reinterpret_cast<Four>(_mm256_maskz_cvtps_pd(0xf, _mm_loadu_ps(from)));
#else
  FourFloats four;
  memcpy(&four, from, sizeof four);
  return __builtin_convertvector(four, Four);
#endif
}

// Returns what four pixels add: pairs of w and w p.
PIXELCAL_INLINE Cells FourPairs(const float* weights, const float* values) {
  const Four w = Wide(weights), product = w * Wide(values);
  return __builtin_shufflevector(w, product, 0, 4, 1, 5, 2, 6, 3, 7);
}
static_assert(kPairs == 4);

// The cells of a slot in a register, while groups of pixels all go there.
struct CellsAtHand {
  int32_t slot = -1;
  Cells sums{};

  PIXELCAL_INLINE void Put(double* slots) {
    if (slot >= 0) memcpy(slots + slot, &sums, sizeof sums);
    slot = -1;
  }
  PIXELCAL_INLINE void Take(double* slots, int32_t other) {
    if (slot == other) return;
    Put(slots);
    slot = other;
    memcpy(&sums, slots + slot, sizeof sums);
  }
  PIXELCAL_INLINE void AddGroup(const float* weights, const float* values) {
    for (int i = 0; i < kGroup; i += kPairs) sums += FourPairs(weights + i, values + i);
  }
};

PIXELCAL_INLINE void AddPair(const double* terms, double* to) {
  Pair sums, term;
  memcpy(&sums, to, sizeof sums);
  memcpy(&term, terms, sizeof term);
  sums += term;
  memcpy(to, &sums, sizeof sums);
}

// Adds the first `few` pixels of a group, of which all can be read. Pixel i of a row goes to pair i % 4 of
// its slot at any vector width, so that the order of additions is fixed.
template <BinSearch kSearch, int kTable>
PIXELCAL_INLINE void AddGroup(const float* p, const int16_t* codes, const float* weights, int few,
                              const Row& row, CellsAtHand& cells, double* slots) {
  int32_t offsets[kGroup];
  Ints differ{};
  for (int v = 0; v < kGroup; v += kLanes) {
    const Ints found = SlotOffsets<kSearch, kTable, false>(p + v, codes + v, row);
    Store(offsets + v, found);
    differ |= found ^ offsets[0];
  }
  if (few == kGroup && !AnyLane(differ)) {
    cells.Take(slots, offsets[0]);
    cells.AddGroup(weights, p);
    return;
  }
  cells.Put(slots);
  double terms[kGroup][2];
  if (few == kGroup) {
    for (int i = 0; i < kGroup; i += kPairs) {
      const Cells four = FourPairs(weights + i, p + i);
      memcpy(terms[i], &four, sizeof four);
    }
#pragma GCC unroll 16
    for (int j = 0; j < kGroup; ++j) AddPair(terms[j], slots + offsets[j] + j % kPairs * 2);
    return;
  }
  for (int j = 0; j < few; ++j) {
    const double weight = weights[j];
    terms[j][0] = weight;
    terms[j][1] = weight * p[j];
    AddPair(terms[j], slots + offsets[j] + j % kPairs * 2);
  }
}

template <BinSearch kSearch, int kTable>
void AddWeightedRow(const float* p, const int16_t* codes, const float* weights, size_t count, const Row& row,
                    double* slots) {
  CellsAtHand cells;
  const size_t whole = count / kGroup * kGroup, few = count - whole;
  for (size_t i = 0; i < whole; i += kGroup)
    AddGroup<kSearch, kTable>(p + i, codes + i, weights + i, kGroup, row, cells, slots);
  if (few > 0) {
    float values[kGroup] = {};
    int16_t verdicts[kGroup] = {};
    memcpy(values, p + whole, few * sizeof *p);
    memcpy(verdicts, codes + whole, few * sizeof *codes);
    AddGroup<kSearch, kTable>(values, verdicts, weights + whole, static_cast<int>(few), row, cells, slots);
  }
  cells.Put(slots);
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
