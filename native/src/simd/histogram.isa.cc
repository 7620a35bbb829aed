#include "simd/histogram.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kGroup = 16;  // pixels handled together, in as many vectors as that takes
constexpr int kLanes = kLanesOf<float>;
static_assert(kGroup % kLanes == 0);

using Floats = Vec<float>;
using Ints = Vec<int32_t>;

PIXELCAL_INLINE Ints BitsOf(Floats value) { return reinterpret_cast<Ints>(value); }

// table[index] in every lane; `size` is a constant after inlining.
PIXELCAL_INLINE Floats Lookup(const float* table, int size, Ints index) {
#if defined(__AVX512BW__)
  if (size <= 16) return __builtin_shuffle(Load(table), index);
  if (size <= 32) return __builtin_shuffle(Load(table), Load(table + 16), index);
  // With a mask, as GCC 12 warns of the form without.
  return reinterpret_cast<Floats>(
      _mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, reinterpret_cast<__m512i>(index), table, 4));
#elif defined(__AVX2__)
  if (size <= 16) {
    const Floats low = __builtin_shuffle(Load(table), index);
    const Floats high = __builtin_shuffle(Load(table + 8), index);
    return index > 7 ? high : low;
  }
  return reinterpret_cast<Floats>(_mm256_i32gather_ps(table, reinterpret_cast<__m256i>(index), 4));
#else
  (void)size;
  Floats value{};
  for (int lane = 0; lane < kLanes; ++lane) value[lane] = table[index[lane]];
  return value;
#endif
}

// The numbers, with 1 added where a > b.
PIXELCAL_INLINE Ints PlusAbove(Ints number, Floats a, Floats b) {
#if defined(__AVX512BW__)
  const __mmask16 above =
      _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GT_OQ);
  const __m512i from = reinterpret_cast<__m512i>(number);
  return reinterpret_cast<Ints>(_mm512_mask_add_epi32(from, above, from, _mm512_set1_epi32(1)));
#else
  return number - (a > b);
#endif
}

// The number of limits below p. kTable: for kGrid the size of the table of limits, a bound.
template <BinSearch kSearch, int kTable>
PIXELCAL_INLINE Ints LimitsBelow(Floats p, const BinLimits& limits) {
  if constexpr (kSearch == BinSearch::kGrid) {
    // Adding 1.5 x 2^23 rounds to a whole number, which is then in the low bits.
    constexpr float kRound = 12582912.0f;
    const Floats rounded = p * Splat(static_cast<float>(limits.bins)) + Splat(kRound);
    const Ints nearest = BitsOf(rounded) - BitsOf(Splat(kRound));
    return PlusAbove(nearest, p, Lookup(limits.limits, kTable, nearest));
  } else if constexpr (kSearch == BinSearch::kCount) {
    Ints below{};
    for (int32_t m = 0; m <= limits.bins; ++m) below = PlusAbove(below, p, Splat(limits.limits[m]));
    return below;
  } else {
    Ints below{};
    for (int lane = 0; lane < kLanes; ++lane) {
      int32_t u = limits.first[static_cast<int>(p[lane] * kBinCells)];
      while (p[lane] > limits.limits[u]) ++u;
      below[lane] = u;
    }
    return below;
  }
}

typedef int16_t Codes __attribute__((vector_size(2 * kLanes)));
typedef double Eight __attribute__((vector_size(64)));
typedef uint64_t Cells __attribute__((vector_size(64)));
typedef float EightFloats __attribute__((vector_size(32)));

// What a row's loop needs at hand.
struct Row {
  BinLimits limits;
  int16_t hit;
  int32_t left_out;  // the last slot's offset
};

constexpr int kSlotShift = 3;
static_assert(kSlotCells == 1 << kSlotShift);

// Offsets of the pixels' slots in cells. kAll: every pixel counts.
template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE Ints SlotOffsets(const float* from, const int16_t* codes, const Row& row) {
  const Floats p = Load(from);
  const Ints misses = LimitsBelow<kSearch, kTable>(p, row.limits) << (kSlotShift + 1);
  Codes code;
  memcpy(&code, codes, sizeof code);
#if defined(__AVX512BW__)
  const __m256i packed = reinterpret_cast<__m256i>(code);
  const __mmask16 hits = _mm256_cmpeq_epi16_mask(packed, _mm256_set1_epi16(row.hit));
  const __m512i from_misses = reinterpret_cast<__m512i>(misses);
  const __m512i offsets =
      _mm512_mask_add_epi32(from_misses, hits, from_misses, _mm512_set1_epi32(1 << kSlotShift));
  if (kAll) return reinterpret_cast<Ints>(offsets);
  const __mmask16 counts =
      _mm512_mask_cmp_ps_mask(static_cast<__mmask16>(~_mm256_movepi16_mask(packed)),
                              reinterpret_cast<__m512>(p), _mm512_set1_ps(row.limits.threshold), _CMP_GT_OQ);
  return reinterpret_cast<Ints>(_mm512_mask_mov_epi32(_mm512_set1_epi32(row.left_out), counts, offsets));
#else
  const Ints wide = __builtin_convertvector(code, Ints);
  const Ints offsets = misses - ((wide == static_cast<int32_t>(row.hit)) << kSlotShift);
  if (kAll) return offsets;
  const Ints counts = (wide >= 0) & (p > row.limits.threshold);
  return counts ? offsets : Splat(row.left_out);
#endif
}

// Eight probabilities as what is added to their cells.
PIXELCAL_INLINE Cells Terms(const float* from) {
#if defined(__AVX512BW__)
  return reinterpret_cast<Cells>(
      _mm512_add_pd(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)), _mm512_set1_pd(kCellOffset)));
#else
  EightFloats p;
  memcpy(&p, from, sizeof p);
  return reinterpret_cast<Cells>(__builtin_convertvector(p, Eight) + kCellOffset);
#endif
}

PIXELCAL_INLINE bool AllEqual(const Ints* offsets, int32_t to) {
#if defined(__AVX512BW__)
  return _mm512_cmpneq_epi32_mask(reinterpret_cast<__m512i>(offsets[0]), _mm512_set1_epi32(to)) == 0;
#else
  Ints differ{};
  for (int v = 0; v < kGroup / kLanes; ++v) differ |= offsets[v] ^ to;
#if defined(__AVX2__)
  return _mm256_testz_si256(reinterpret_cast<__m256i>(differ), reinterpret_cast<__m256i>(differ));
#else
  int32_t any = 0;
  for (int lane = 0; lane < kLanes; ++lane) any |= differ[lane];
  return any == 0;
#endif
#endif
}

// Groups of which all pixels go to one slot, one after the other: their sums stay in a register.
struct Run {
  int32_t slot;
  Cells sum{};

  PIXELCAL_INLINE void End(uint64_t* slots) {
    Cells cells;
    memcpy(&cells, slots + slot, sizeof cells);
    cells += sum;
    memcpy(slots + slot, &cells, sizeof cells);
    sum = Cells{};
  }
};

// The rest, on their way to different slots.
struct Queue {
  static constexpr int kSize = 32 * kGroup;
  int size = 0;
  alignas(64) int32_t offsets[kSize];
  alignas(64) uint64_t terms[kSize];

  PIXELCAL_INLINE void Push(const Ints* group, Cells low, Cells high) {
    memcpy(offsets + size, group, kGroup * sizeof *offsets);
    memcpy(terms + size, &low, sizeof low);
    memcpy(terms + size + 8, &high, sizeof high);
    size += kGroup;
  }
  PIXELCAL_INLINE void Drain(uint64_t* slots) {
    for (int i = 0; i < size; i += kGroup) {
#pragma GCC unroll 16
      for (int j = 0; j < kGroup; ++j) slots[offsets[i + j] + j % kSlotCells] += terms[i + j];
    }
    size = 0;
  }
};

constexpr int kPiece = 16;  // groups
static_assert(Queue::kSize % (kPiece * kGroup) == 0);

// What follows one row of 2048 pixels later, in the next block's row of the same class; past the end of the
// array this does nothing.
PIXELCAL_INLINE void FetchSoon(const float* p) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + 2048 * sizeof *p), 0, 2);
}

template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE void GroupOffsets(const float* p, const int16_t* codes, const Row& row, Ints* offsets) {
  for (int v = 0; v < kGroup / kLanes; ++v)
    offsets[v] = SlotOffsets<kSearch, kTable, kAll>(p + v * kLanes, codes + v * kLanes, row);
}

// Up to kPiece groups that seem to lie inside of regions. Whether most of them did.
template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE bool AddRegions(const float* p, const int16_t* codes, int groups, const Row& row, Run& run,
                                Queue& queue, uint64_t* slots) {
  int mixed = 0;
  for (int g = 0; g < groups; ++g, p += kGroup, codes += kGroup) {
    FetchSoon(p);
    Ints offsets[kGroup / kLanes];
    GroupOffsets<kSearch, kTable, kAll>(p, codes, row, offsets);
    const Cells low = Terms(p), high = Terms(p + 8);
    if (AllEqual(offsets, run.slot)) {
      run.sum += low + high;
    } else if (const int32_t first = offsets[0][0]; AllEqual(offsets, first)) {
      run.End(slots);
      run.slot = first;
      run.sum = low + high;
    } else {
      queue.Push(offsets, low, high);
      ++mixed;
    }
  }
  return 2 * mixed <= groups;
}

// The same for noise, where a test of every group would mostly cost mispredicted branches. Whether the last
// group looks like the inside of a region.
template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE bool AddNoise(const float* p, const int16_t* codes, int groups, const Row& row,
                              Queue& queue) {
  Ints offsets[kGroup / kLanes] = {};
  for (int g = 0; g < groups; ++g, p += kGroup, codes += kGroup) {
    FetchSoon(p);
    GroupOffsets<kSearch, kTable, kAll>(p, codes, row, offsets);
    queue.Push(offsets, Terms(p), Terms(p + 8));
  }
  return AllEqual(offsets, offsets[0][0]);
}

template <BinSearch kSearch, int kTable, bool kAll>
void AddRow(const float* p, const int16_t* codes, size_t count, const Row row, uint64_t* slots) {
  Run run{row.left_out};
  Queue queue;
  bool regions = true;
  size_t i = 0;
  while (i + kGroup <= count) {
    const size_t groups = (count - i) / kGroup;
    const int piece = groups < kPiece ? static_cast<int>(groups) : kPiece;
    regions = regions ? AddRegions<kSearch, kTable, kAll>(p + i, codes + i, piece, row, run, queue, slots)
                      : AddNoise<kSearch, kTable, kAll>(p + i, codes + i, piece, row, queue);
    i += static_cast<size_t>(piece) * kGroup;
    if (queue.size > Queue::kSize - kPiece * kGroup) queue.Drain(slots);
  }
  if (i < count) {
    float rest[kGroup] = {};
    int16_t rest_codes[kGroup];
    for (size_t j = 0; j < kGroup; ++j) {
      if (i + j < count) rest[j] = p[i + j];
      rest_codes[j] = i + j < count ? codes[i + j] : int16_t{-1};
    }
    AddNoise<kSearch, kTable, false>(rest, rest_codes, 1, row, queue);
  }
  queue.Drain(slots);
  run.End(slots);
}

template <bool kAll>
void AddAny(const float* p, const int16_t* codes, size_t count, const Row& row, uint64_t* slots) {
  if (row.limits.search == BinSearch::kCount)
    return AddRow<BinSearch::kCount, 0, kAll>(p, codes, count, row, slots);
  if (row.limits.search == BinSearch::kLookup)
    return AddRow<BinSearch::kLookup, 0, kAll>(p, codes, count, row, slots);
  if (row.limits.bins < 16) return AddRow<BinSearch::kGrid, 16, kAll>(p, codes, count, row, slots);
  if (row.limits.bins < 32) return AddRow<BinSearch::kGrid, 32, kAll>(p, codes, count, row, slots);
  AddRow<BinSearch::kGrid, 33, kAll>(p, codes, count, row, slots);
}

int32_t LastSlot(const BinLimits& limits) {
  return static_cast<int32_t>((BinSlots(limits.bins) - 1) << kSlotShift);
}

void Add(const float* p, const int16_t* codes, int16_t hit, size_t count, BinLimits limits, bool all,
         uint64_t* slots) {
  const Row row{limits, hit, LastSlot(limits)};
  if (all)
    AddAny<true>(p, codes, count, row, slots);
  else
    AddAny<false>(p, codes, count, row, slots);
}

typedef double Pair __attribute__((vector_size(16)));

// Pixel i of a row goes to pair i % 4 of its slot, at any vector width: the order of additions is fixed.
template <BinSearch kSearch, int kTable>
void AddWeightedRow(const float* p, const int16_t* codes, const float* weights, size_t count, const Row& row,
                    double* slots) {
  constexpr int kPairs = kSlotCells / 2;
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

extern const HistogramTable kHistogram;
const HistogramTable kHistogram{Add, AddWeighted};

}  // namespace pixelcal::simd::PIXELCAL_ISA
