#include "calibration/boundary_loops.h"

#include "calibration/ring_cells.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <class Segment>
void TakeNearer(const Segment* segment, int32_t own, const float* to, size_t count, float* near) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) near[i] = ((segment[i] != own) & (to[i] < near[i])) ? to[i] : near[i];
}

void TakeScore(const float* row, int16_t c, const int16_t* codes, size_t count, float* score, int16_t* hit) {
  if (c == 0) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) {
      score[i] = row[i];
      hit[i] = codes[i] == 0;
    }
    return;
  }
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const bool larger = row[i] > score[i];
    score[i] = larger ? row[i] : score[i];
    hit[i] = larger ? static_cast<int16_t>(codes[i] == c) : hit[i];
  }
}

void Rings(const float* distance, size_t count, const float* limits, int64_t edges, int16_t* ring) {
  typedef int16_t Narrow __attribute__((vector_size(2 * kLanesOf<float>)));
  constexpr size_t kLanes = kLanesOf<float>;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec<float> d = Load(distance + i);
    Vec<int32_t> above{};
    for (int64_t r = 0; r < edges; ++r) above -= d > Splat(limits[r]);
    const Narrow found = __builtin_convertvector(above, Narrow);
    memcpy(ring + i, &found, sizeof found);
  }
  for (; i < count; ++i) {
    ring[i] = 0;
    for (int64_t r = 0; r < edges; ++r) ring[i] = static_cast<int16_t>(ring[i] + (distance[i] > limits[r]));
  }
}

PIXELCAL_INLINE void LossesOfEight(const double* p, size_t few, double* losses) {
  Doubles value = Doubles{} + 1.0;
  memcpy(&value, p, few * sizeof *p);
  const Doubles loss = Doubles{} - Log(value);
  memcpy(losses, &loss, few * sizeof *losses);
}

void Losses(const double* p, size_t count, double* losses) {
  const size_t whole = count / 8 * 8;  // a copy of a known size is one instruction
  for (size_t i = 0; i < whole; i += 8) LossesOfEight(p + i, 8, losses + i);
  if (whole < count) LossesOfEight(p + whole, count - whole, losses + whole);
}

template <int kTable>
PIXELCAL_INLINE void AddSixteen(const float* p, const int16_t* hit, const int16_t* codes,
                                const double* of_pixels, const int16_t* ring, const BinLimits& limits,
                                GroupRuns& runs, RingCell* cells, RingLoss* losses) {
  Group group;
  for (int part = 0; part < kParts; ++part) {
    Narrow hits, code, rings;
    memcpy(&hits, hit + part * kLanes, sizeof hits);
    memcpy(&code, codes + part * kLanes, sizeof code);
    memcpy(&rings, ring + part * kLanes, sizeof rings);
    FindCells<kTable>(part, Load(p + part * kLanes), IntsOf(code), IntsOf(rings), -IntsOf(hits), limits,
                      group);
  }
  TakeTerms(p, of_pixels, codes, group);
  runs.Add(group, cells, losses);
}

template <int kTable>
void AddAll(const RingPixels& pixels, const int16_t* ring, size_t count, const BinLimits& limits,
            RingCell* cells, RingLoss* losses) {
  GroupRuns runs;
  const size_t whole = count / kGroup * kGroup, few = count - whole;
  for (size_t i = 0; i < whole; i += kGroup)
    AddSixteen<kTable>(pixels.p + i, pixels.hit + i, pixels.codes + i, pixels.losses + i, ring + i, limits,
                       runs, cells, losses);
  if (few > 0) {
    float p[kGroup] = {};
    int16_t hit[kGroup] = {}, codes[kGroup], rings[kGroup] = {};
    double of_pixels[kGroup] = {};
    memset(codes, -1, sizeof codes);
    memcpy(p, pixels.p + whole, few * sizeof *p);
    memcpy(hit, pixels.hit + whole, few * sizeof *hit);
    memcpy(codes, pixels.codes + whole, few * sizeof *codes);
    memcpy(rings, ring + whole, few * sizeof *rings);
    memcpy(of_pixels, pixels.losses + whole, few * sizeof *of_pixels);
    AddSixteen<kTable>(p, hit, codes, of_pixels, rings, limits, runs, cells, losses);
  }
  runs.End(cells, losses);
}

// Returns the number of edges, in rising order, below each distance. Most pixels are beyond all edges.
PIXELCAL_INLINE Ints RingsOf(Floats distance, const float* edges, int64_t count) {
  Ints ring{};
  if (count == 0 || !AnyLane(PlusAbove(ring, distance, Splat(edges[0])))) return ring;
  if (!AnyLane(~(distance > Splat(edges[count - 1])))) return Splat(static_cast<int32_t>(count));
  for (int64_t r = 0; r < count; ++r) ring = PlusAbove(ring, distance, Splat(edges[r]));
  return ring;
}

// The places of sixteen pixels of two classes.
struct PairPlaces {
  const float *first, *second;
  const int16_t* codes;
  const double* losses;
  const uint8_t* segment;
  const float *to_first, *to_second;
};

template <int kTable>
PIXELCAL_INLINE void AddSixteenOfPair(const PairPlaces& at, const float* edges, int64_t count,
                                      const BinLimits& limits, GroupRuns& runs, RingCell* cells,
                                      RingLoss* losses) {
  Group group;
  alignas(64) float p[kGroup];
  for (int part = 0; part < kParts; ++part) {
    const int shift = part * kLanes;
    Narrow narrow;
    Bytes bytes;
    memcpy(&narrow, at.codes + shift, sizeof narrow);
    memcpy(&bytes, at.segment + shift, sizeof bytes);
    const Floats first = Load(at.first + shift), second = Load(at.second + shift);
    const Ints code = IntsOf(narrow), larger = second > first, of_second = code == 1;
    const Floats score = larger ? second : first;
    Store(p + shift, score);
    const Ints inside = IntsOf(bytes) != 0;
    const Floats distance = inside ? -Load(at.to_first + shift) : Load(at.to_second + shift);
    const Ints ring = RingsOf(distance, edges, count);
    FindCells<kTable>(part, score, code, ring, larger == of_second, limits, group);
  }
  TakeTerms(p, at.losses, at.codes, group);
  runs.Add(group, cells, losses);
}

template <int kTable>
void AddAllOfPair(const RingPair& pixels, size_t count, const float* edges, int64_t edge_count,
                  const BinLimits& limits, RingCell* cells, RingLoss* losses) {
  alignas(64) float far[kGroup];
  for (float& each : far) each = __builtin_inff();
  const auto from = [&](const float* distances, size_t i) { return distances ? distances + i : far; };
  GroupRuns runs;
  const size_t whole = count / kGroup * kGroup, few = count - whole;
  for (size_t i = 0; i < whole; i += kGroup)
    AddSixteenOfPair<kTable>({pixels.first + i, pixels.second + i, pixels.codes + i, pixels.losses + i,
                              pixels.segment + i, from(pixels.to_first, i), from(pixels.to_second, i)},
                             edges, edge_count, limits, runs, cells, losses);
  if (few > 0) {
    float first[kGroup] = {}, second[kGroup] = {}, to_first[kGroup] = {}, to_second[kGroup] = {};
    int16_t codes[kGroup];
    double of_pixels[kGroup] = {};
    uint8_t segment[kGroup] = {};
    memset(codes, -1, sizeof codes);
    memcpy(first, pixels.first + whole, few * sizeof *first);
    memcpy(second, pixels.second + whole, few * sizeof *second);
    memcpy(codes, pixels.codes + whole, few * sizeof *codes);
    memcpy(of_pixels, pixels.losses + whole, few * sizeof *of_pixels);
    memcpy(segment, pixels.segment + whole, few * sizeof *segment);
    memcpy(to_first, from(pixels.to_first, whole), few * sizeof *to_first);
    memcpy(to_second, from(pixels.to_second, whole), few * sizeof *to_second);
    AddSixteenOfPair<kTable>({first, second, codes, of_pixels, segment, to_first, to_second}, edges,
                             edge_count, limits, runs, cells, losses);
  }
  runs.End(cells, losses);
}

// Calls the form for the table of limits.
void Add(const RingPixels& pixels, const int16_t* ring, size_t count, const BinLimits& limits,
         RingCell* cells, RingLoss* losses) {
  const auto add = limits.bins < 16 ? AddAll<16> : limits.bins < 32 ? AddAll<32> : AddAll<33>;
  add(pixels, ring, count, limits, cells, losses);
}
void AddPair(const RingPair& pixels, size_t count, const float* edges, int64_t edge_count,
             const BinLimits& limits, RingCell* cells, RingLoss* losses) {
  const auto add = limits.bins < 16   ? AddAllOfPair<16>
                   : limits.bins < 32 ? AddAllOfPair<32>
                                      : AddAllOfPair<33>;
  add(pixels, count, edges, edge_count, limits, cells, losses);
}

}  // namespace

extern const BoundaryTable kBoundary;
const BoundaryTable kBoundary{
    TakeNearer<uint8_t>, TakeNearer<int32_t>, TakeScore, Rings, Losses, Add, AddPair};

}  // namespace pixelcal::simd::PIXELCAL_ISA
