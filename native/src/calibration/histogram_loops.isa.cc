#include "calibration/histogram_loops.h"

#include "calibration/bin_slots.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr int kGroup = 16;  // pixels handled together, in one or more vectors
static_assert(kGroup % kLanes == 0);

typedef double Eight __attribute__((vector_size(64)));
typedef uint64_t Cells __attribute__((vector_size(64)));
typedef float EightFloats __attribute__((vector_size(32)));

// Returns eight probabilities in the form that is added to their cells.
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
  return !AnyLane(differ);
#endif
}

// A run of groups whose pixels all go to one slot: their sums stay in a register.
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

// A queue of the other pixels, on their way to different slots.
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

// Prefetches the pixels one row of 2048 further on, in the next block's row of the same class; has no effect
// past the end of the array.
PIXELCAL_INLINE void FetchSoon(const float* p) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + 2048 * sizeof *p), 0, 2);
}

template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE void GroupOffsets(const float* p, const int16_t* codes, const Row& row, Ints* offsets) {
  for (int v = 0; v < kGroup / kLanes; ++v)
    offsets[v] = SlotOffsets<kSearch, kTable, kAll>(p + v * kLanes, codes + v * kLanes, row);
}

// Adds groups of noise, where a test of each would mostly cost mispredicted branches. Returns whether the
// last group looks like the inside of a region.
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

// Adds the pixels of an incomplete group.
template <BinSearch kSearch, int kTable>
PIXELCAL_INLINE void AddRest(const float* p, const int16_t* codes, size_t count, const Row& row,
                             Queue& queue) {
  if (count == 0) return;
  float values[kGroup] = {};
  int16_t verdicts[kGroup];
  memset(verdicts, -1, sizeof verdicts);
  memcpy(values, p, count * sizeof *p);
  memcpy(verdicts, codes, count * sizeof *codes);
  AddNoise<kSearch, kTable, false>(values, verdicts, 1, row, queue);
}

#if defined(__AVX512BW__)
// Most probabilities are near 0 or 1: the misses of one bin and the hits of another are added in registers,
// pixels that do not count are dropped, and only the others, packed together, look for their bins.

// The probabilities of the bins of the runs.
struct Usual {
  float miss_above, miss_up_to, hit_above, hit_up_to;
};

PIXELCAL_INLINE Usual LimitsOf(const UsualBins& bins, const BinLimits& limits) {
  const auto above = [&](int32_t below) { return below > 0 ? limits.limits[below - 1] : -1.0f; };
  return {above(bins.miss), limits.limits[bins.miss], above(bins.hit), limits.limits[bins.hit]};
}

// Returns the most frequent of the numbers of a mask, or `otherwise` if it is empty.
PIXELCAL_INLINE int32_t MostFrequent(const Ints& numbers, uint32_t of, int32_t otherwise) {
  int most = 0;
  while (of != 0) {
    const int32_t number = numbers[__builtin_ctz(of)];
    const uint32_t same = _mm512_mask_cmpeq_epi32_mask(
        static_cast<__mmask16>(of), reinterpret_cast<__m512i>(numbers), _mm512_set1_epi32(number));
    of &= ~same;
    if (__builtin_popcount(same) <= most) continue;
    most = __builtin_popcount(same);
    otherwise = number;
  }
  return otherwise;
}

// Takes a few pixels of a row for all of them.
template <BinSearch kSearch, int kTable>
void FindUsual(const float* p, const int16_t* codes, size_t count, const Row& row, UsualBins& usual) {
  alignas(64) float few[kGroup] = {};
  uint32_t hits = 0, misses = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    const size_t at = i * count / kGroup;
    few[i] = p[at];
    if (codes[at] >= 0 && p[at] > row.limits.threshold) (codes[at] == row.hit ? hits : misses) |= 1u << i;
  }
  const Ints below = LimitsBelow<kSearch, kTable>(Load(few), row.limits);
  usual = {MostFrequent(below, misses, usual.miss), MostFrequent(below, hits, usual.hit)};
}

// The pixels of a group that count, the hits among them, and the pixels of the runs.
struct Verdicts {
  uint32_t counts, hits, usual_misses, usual_hits;
  uint32_t Rest() const { return counts & ~(usual_misses | usual_hits); }
};

template <bool kAll>
PIXELCAL_INLINE Verdicts Judge(__m512 p, const int16_t* codes, const Row& row, const Usual& usual) {
  const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
  const auto above = [&](__mmask16 of, float limit) {
    return _mm512_mask_cmp_ps_mask(of, p, _mm512_set1_ps(limit), _CMP_GT_OQ);
  };
  const auto up_to = [&](__mmask16 of, float limit) {
    return _mm512_mask_cmp_ps_mask(of, p, _mm512_set1_ps(limit), _CMP_LE_OQ);
  };
  __mmask16 counts = 0xffff;
  if (!kAll) counts = above(static_cast<__mmask16>(~_mm256_movepi16_mask(code)), row.limits.threshold);
  const __mmask16 hits = _mm256_mask_cmpeq_epi16_mask(counts, code, _mm256_set1_epi16(row.hit));
  const auto misses = static_cast<__mmask16>(counts & ~hits);
  return {counts, hits, up_to(above(misses, usual.miss_above), usual.miss_up_to),
          up_to(above(hits, usual.hit_above), usual.hit_up_to)};
}

PIXELCAL_INLINE void AddWhere(uint32_t which, Cells low, Cells high, Cells& sum) {
  __m512i to = reinterpret_cast<__m512i>(sum);
  to = _mm512_mask_add_epi64(to, static_cast<__mmask8>(which), to, reinterpret_cast<__m512i>(low));
  to = _mm512_mask_add_epi64(to, static_cast<__mmask8>(which >> 8), to, reinterpret_cast<__m512i>(high));
  sum = reinterpret_cast<Cells>(to);
}

// The pixels whose slots are not yet found: the probabilities, negative for hits.
struct Unsure {
  int size = 0;
  alignas(64) float values[Queue::kSize + kGroup];

  PIXELCAL_INLINE void Push(__m512 p, const Verdicts& verdicts) {
    // -0 is a valid probability.
    const __m512i bits = _mm512_and_si512(reinterpret_cast<__m512i>(p), _mm512_set1_epi32(INT32_MAX));
    const __m512i marked =
        _mm512_mask_or_epi32(bits, static_cast<__mmask16>(verdicts.hits), bits, _mm512_set1_epi32(INT32_MIN));
    const uint32_t rest = verdicts.Rest();
    _mm512_storeu_si512(values + size, _mm512_maskz_compress_epi32(static_cast<__mmask16>(rest), marked));
    size += __builtin_popcount(rest);
  }

  template <BinSearch kSearch, int kTable>
  PIXELCAL_INLINE void Drain(const Row& row, Queue& queue, uint64_t* slots) {
    queue.Drain(slots);
    _mm512_storeu_ps(values + size, _mm512_setzero_ps());
    for (int i = 0; i < size; i += kGroup) {
      const __m512i marked = _mm512_loadu_si512(values + i);
      const __m512i bits = _mm512_and_si512(marked, _mm512_set1_epi32(INT32_MAX));
      const Ints below = LimitsBelow<kSearch, kTable>(reinterpret_cast<Floats>(bits), row.limits);
      const __m512i misses = reinterpret_cast<__m512i>(below << (kSlotShift + 1));
      const auto offsets = reinterpret_cast<Ints>(_mm512_mask_add_epi32(
          misses, _mm512_movepi32_mask(marked), misses, _mm512_set1_epi32(1 << kSlotShift)));
      _mm512_storeu_si512(values + i, bits);
      queue.Push(&offsets, Terms(values + i), Terms(values + i + 8));
    }
    // Positions after the last pixel go to the slot of pixels that do not count.
    for (int i = size; i < queue.size; ++i) queue.offsets[i] = row.left_out;
    size = 0;
    queue.Drain(slots);
  }
};

template <BinSearch kSearch, int kTable, bool kAll>
void AddRow(const float* p, const int16_t* codes, size_t count, const Row row, uint64_t* slots,
            UsualBins& bins) {
  const Usual usual = LimitsOf(bins, row.limits);
  Run misses{2 * bins.miss << kSlotShift}, hits{(2 * bins.hit + 1) << kSlotShift};
  Queue queue;
  Unsure unsure;
  bool sure = true;
  size_t others = 0;
  const size_t whole = count / kGroup * kGroup;
  for (size_t i = 0; i < whole;) {
    const size_t begin = i, end = whole - i < kPiece * kGroup ? whole : i + kPiece * kGroup;
    if (sure) {
      const int before = unsure.size;
      for (; i < end; i += kGroup) {
        FetchSoon(p + i);
        const __m512 group = _mm512_loadu_ps(p + i);
        const Verdicts verdicts = Judge<kAll>(group, codes + i, row, usual);
        const Cells low = Terms(p + i), high = Terms(p + i + 8);
        AddWhere(verdicts.usual_misses, low, high, misses.sum);
        AddWhere(verdicts.usual_hits, low, high, hits.sum);
        unsure.Push(group, verdicts);
      }
      const auto found = static_cast<size_t>(unsure.size - before);
      others += found;
      sure = 2 * found <= end - begin;
    } else {
      AddNoise<kSearch, kTable, kAll>(p + i, codes + i, static_cast<int>((end - i) / kGroup), row, queue);
      i = end;
      others += end - begin;
      const Verdicts last = Judge<kAll>(_mm512_loadu_ps(p + i - kGroup), codes + i - kGroup, row, usual);
      sure = 4 * __builtin_popcount(last.Rest()) <= kGroup;
    }
    if (queue.size > Queue::kSize - kPiece * kGroup) queue.Drain(slots);
    if (unsure.size > Queue::kSize - kPiece * kGroup) unsure.Drain<kSearch, kTable>(row, queue, slots);
  }
  AddRest<kSearch, kTable>(p + whole, codes + whole, count - whole, row, queue);
  unsure.Drain<kSearch, kTable>(row, queue, slots);
  misses.End(slots);
  hits.End(slots);
  if (4 * others > count) FindUsual<kSearch, kTable>(p, codes, count, row, bins);
}

#else
// Adds up to kPiece groups that seem to lie inside regions. Returns whether most of them did.
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

template <BinSearch kSearch, int kTable, bool kAll>
void AddRow(const float* p, const int16_t* codes, size_t count, const Row row, uint64_t* slots, UsualBins&) {
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
  AddRest<kSearch, kTable>(p + i, codes + i, count - i, row, queue);
  queue.Drain(slots);
  run.End(slots);
}

#endif

template <bool kAll>
void AddAny(const float* p, const int16_t* codes, size_t count, const Row& row, uint64_t* slots,
            UsualBins& usual) {
  if (row.limits.search == BinSearch::kCount)
    return AddRow<BinSearch::kCount, 0, kAll>(p, codes, count, row, slots, usual);
  if (row.limits.search == BinSearch::kLookup)
    return AddRow<BinSearch::kLookup, 0, kAll>(p, codes, count, row, slots, usual);
  if (row.limits.search == BinSearch::kJoint)
    return AddRow<BinSearch::kJoint, kJointPoints, kAll>(p, codes, count, row, slots, usual);
  if (row.limits.bins < 16) return AddRow<BinSearch::kGrid, 16, kAll>(p, codes, count, row, slots, usual);
  if (row.limits.bins < 32) return AddRow<BinSearch::kGrid, 32, kAll>(p, codes, count, row, slots, usual);
  AddRow<BinSearch::kGrid, 33, kAll>(p, codes, count, row, slots, usual);
}

void Add(const float* p, const int16_t* codes, int16_t hit, size_t count, BinLimits limits, bool all,
         uint64_t* slots, UsualBins* usual) {
  const Row row{limits, hit, LastSlot(limits)};
  if (all)
    AddAny<true>(p, codes, count, row, slots, *usual);
  else
    AddAny<false>(p, codes, count, row, slots, *usual);
}

}  // namespace

extern const HistogramTable kHistogram;
const HistogramTable kHistogram{Add};

}  // namespace pixelcal::simd::PIXELCAL_ISA
