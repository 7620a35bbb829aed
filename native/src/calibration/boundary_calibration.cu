// Calibration by distance to the segmentation's boundary on the device: one thread per pixel finds segments,
// cuda_class_distances.cu measures, and blocks add chunks of an image to integer sums in shared memory, so
// that every order gives the same bits. Tested on an emulator, never yet run on a GPU.
#include <vector>

#include "calibration/bin_limits.h"
#include "calibration/boundary_calibration.h"
#include "calibration/cuda_probabilities.h"
#include "calibration/exact_sum.h"
#include "calibration/exact_units.h"
#include "distance/cuda_class_distances.h"

namespace pixelcal::cuda {
namespace {

constexpr int64_t kChunkPixels = 16384;
constexpr int kCellWords = 3, kRingWords = 2;    // in shared memory: count, hits, p; log loss, impossible
constexpr int kCellTotals = 4, kRingTotals = 3;  // sums take two words: whole and fraction

struct Plan {
  Score score;
  int only;
  bool label_boundary;
  int groups, segments, bins, rings, run_rings, runs;

  Plan(const BoundaryCalibrationOptions& options, int64_t classes)
      : score(options.score),
        only(static_cast<int>(options.only)),
        label_boundary(options.label_boundary),
        groups(static_cast<int>(internal::BoundaryGroups(options, classes))),
        segments(static_cast<int>(internal::BoundarySegments(options, classes))),
        bins(static_cast<int>(options.bins)),
        rings(static_cast<int>(options.rings.size()) + 1),
        run_rings(std::min(rings, static_cast<int>(kSharedBytes / RingBytes()))),
        runs((rings - 1) / run_rings + 1) {}

  size_t RingBytes() const { return 8 * (kCellWords * static_cast<size_t>(bins) + kRingWords); }
  int64_t RingSums() const { return kCellTotals * int64_t{bins} + kRingTotals; }
};

template <class Value>
__global__ void FindSegments(DeviceMaps<Value> maps, Plan plan, int16_t* segments, Finding* finding) {
  ForItems(maps.images * maps.pixels, [&](int64_t i) {
    const int64_t image = i / maps.pixels, pixel = i % maps.pixels;
    const int code = maps.codes[i];
    bool hit, valid;
    ScoreOf(maps, Score::kTopLabel, 0, image, pixel, code, &hit, &valid);
    if (!valid) Find(finding, i);
    int winner = 0;
    for (int64_t c = 1; c < maps.classes; ++c)
      if (maps.At(image, c, pixel) > maps.At(image, winner, pixel)) winner = static_cast<int>(c);
    const int of = plan.label_boundary ? code : winner;
    const int segment = plan.score == Score::kForeground ? of != 0 : plan.only >= 0 ? of == plan.only : of;
    segments[i] = static_cast<int16_t>(code < 0 ? kLeftOutCode : segment);
  });
}

struct Segmented {
  const int16_t* segments;
  const uint8_t* present;
  const float* distances;
};

// Returns the signed distance of a pixel for a group, of which `own` is the inside.
__device__ inline float SignedDistance(const Segmented& from, const Plan& plan, int own, int64_t image,
                                       int64_t pixels, int64_t pixel) {
  const int segment = from.segments[image * pixels + pixel];
  const uint8_t* present = from.present + image * plan.segments;
  const float* at = from.distances + image * plan.segments * pixels + pixel;
  const bool one_class = plan.score == Score::kClasses;
  const bool inside = one_class ? segment == own : segment != 0;
  if (one_class && !inside) return present[own] ? at[own * pixels] : std::numeric_limits<float>::infinity();
  float near = std::numeric_limits<float>::infinity();
  for (int s = 0; s < plan.segments; ++s)
    if (s != segment && present[s]) near = Least(near, at[s * pixels]);
  return inside ? -near : near;
}

// Returns the probability of what is the case.
template <class Value>
__device__ double OfCase(const DeviceMaps<Value>& maps, Score score, int64_t image, int64_t pixel, int code,
                         float p, bool hit) {
  if (score == Score::kClasses) return hit ? static_cast<double>(p) : 1.0 - p;
  if (score == Score::kTopLabel) return maps.At(image, code, pixel);
  const float background = maps.At(image, 0, pixel);
  return hit ? 1.0 - background : static_cast<double>(background);
}

// Each block adds a chunk of one image to a run of rings of one group: to totals[(group * rings + ring) *
// RingSums()], the cells' {count, hits, whole, fraction}, then {whole, fraction} of log losses and
// `impossible`.
template <class Value>
__global__ void AddRings(DeviceMaps<Value> maps, Plan plan, Segmented from, const float* bin_limits,
                         const float* ring_limits, unsigned long long* totals) {
  auto* words = reinterpret_cast<unsigned long long*>(SharedBytes());
  const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1;
  const int width = kCellWords * plan.bins + kRingWords;
  const int64_t items = maps.images * chunks * plan.groups * plan.runs;
  for (int64_t item = blockIdx.x; item < items; item += gridDim.x) {
    const int first = static_cast<int>(item % plan.runs) * plan.run_rings;
    const int last = Least(plan.rings, first + plan.run_rings);
    const int group = static_cast<int>(item / plan.runs % plan.groups);
    const int64_t place = item / plan.runs / plan.groups, image = place / chunks;
    const int64_t begin = place % chunks * kChunkPixels, end = Least(maps.pixels, begin + kChunkPixels);
    const int of = plan.only < 0 ? group : plan.only, own = plan.only < 0 ? group : 1;
    for (int i = threadIdx.x; i < width * (last - first); i += blockDim.x) words[i] = 0;
    __syncthreads();
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const int code = maps.Code(image, i);
      if (code < 0) continue;
      const float distance = SignedDistance(from, plan, own, image, maps.pixels, i);
      int ring = 0;
      while (ring + 1 < plan.rings && distance > ring_limits[ring]) ++ring;
      if (ring < first || ring >= last) continue;
      bool hit, valid;
      const float p = ScoreOf(maps, plan.score, of, image, i, code, &hit, &valid);
      if (!valid) continue;
      unsigned long long* to = words + width * (ring - first);
      unsigned long long* cell = to + kCellWords * (internal::LimitsBelow(bin_limits, plan.bins, p) - 1);
      atomicAdd(cell, 1ull);
      if (hit) atomicAdd(cell + 1, 1ull);
      atomicAdd(cell + 2, static_cast<unsigned long long>(internal::ProbabilityUnits(p)));
      const double q = OfCase(maps, plan.score, image, i, code, p, hit);
      unsigned long long* loss = to + kCellWords * plan.bins;
      if (q > 0)
        atomicAdd(loss, static_cast<unsigned long long>(internal::LogLossUnits(q)));
      else
        atomicAdd(loss + 1, 1ull);
    }
    __syncthreads();
    constexpr unsigned long long kFraction = (1ull << 40) - 1;
    const int cells = plan.bins + 1;  // of a ring, with its losses
    for (int i = threadIdx.x; i < cells * (last - first); i += blockDim.x) {
      const int ring = i / cells, bin = i % cells;
      const unsigned long long* word = words + width * ring + kCellWords * bin;
      unsigned long long* to = totals +
                               (group * plan.rings + first + ring) * (kCellTotals * plan.bins + kRingTotals) +
                               kCellTotals * bin;
      if (bin < plan.bins) {
        if (word[0] == 0) continue;
        atomicAdd(to, word[0]);
        atomicAdd(to + 1, word[1]);
        atomicAdd(to + 2, word[2] >> 40);
        atomicAdd(to + 3, word[2] & kFraction);
      } else {
        atomicAdd(to, word[0] >> 40);
        atomicAdd(to + 1, word[0] & kFraction);
        atomicAdd(to + 2, word[1]);
      }
    }
    __syncthreads();
  }
}

template <class Value>
void Add(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
         const Plan& plan, unsigned long long* totals, Findings& findings) {
  const cpu::BinTable table(options.edges, {options.score, options.closed, options.bins, options.edges});
  const float* bins = table.Limits().limits;
  // One more limit, because rounding may look one further.
  const std::vector<float> bin_limits(bins, bins + options.bins + 2);
  const auto all_rings = internal::RingLimits(options.rings);
  const std::vector<float> ring_limits(all_rings.begin(), all_rings.begin() + plan.rings);
  ForPieces(grid, BytesPerImage(maps) * maps.batch, [&](Stream& stream, int64_t first, const Grid& piece) {
    Finding* finding = findings.Add(stream);
    const DeviceMaps<Value> values = ReadMaps<Value>(stream, maps, first, piece.batch, finding);
    const int64_t count = piece.batch * maps.pixels;
    auto* segments = stream.Allocate<int16_t>(count);
    LaunchItems("FindSegments", FindSegments<Value>, count, stream, values, plan, segments, finding);
    auto* distances = stream.Allocate<float>(CheckedProduct(count, plan.segments));
    const uint8_t* present =
        DistancesToClasses(stream, segments, piece, plan.segments, options.spacing, distances).present;
    const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1;
    Launch("AddRings", AddRings<Value>,
           std::min<int64_t>(piece.batch * chunks * plan.groups * plan.runs, 1 << 20), kItemThreads,
           plan.RingBytes() * static_cast<size_t>(plan.run_rings), stream, values, plan,
           Segmented{segments, present, distances}, stream.In(bin_limits), stream.In(ring_limits), totals);
  });
}

}  // namespace

void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const BoundaryCalibrationSums& sums) {
  internal::CheckBoundaryCalibration(maps, grid, options, sums);
  const Plan plan(options, maps.classes);
  const int64_t rings = int64_t{plan.groups} * plan.rings;
  const DeviceMemory memory(static_cast<size_t>(8 * CheckedProduct(rings, plan.RingSums())));
  {
    Stream stream;
    PIXELCAL_CUDA(cudaMemsetAsync, memory.data(), 0, memory.bytes(), stream.get());
    stream.Wait();
  }
  Findings findings;
  std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        Add<Value>(maps, grid, options, plan, static_cast<unsigned long long*>(memory.data()), findings);
      },
      maps.probs);
  HostCopies copies;
  if (findings.Any())
    cpu::BoundaryCalibration(OnHost(maps, copies), grid, options, sums);  // throws, saying which
  std::vector<unsigned long long> totals(memory.bytes() / 8);
  memory.CopyTo(totals.data());
  for (int64_t ring = 0; ring < rings; ++ring) {
    const unsigned long long* from = totals.data() + ring * plan.RingSums();
    for (int bin = 0; bin < plan.bins; ++bin, from += kCellTotals) {
      const auto at = static_cast<size_t>(ring * plan.bins + bin);
      sums.count[at] = static_cast<double>(from[0]);
      sums.accuracy[at] = static_cast<double>(from[1]);
      sums.confidence[at] = cpu::FixedTotal(from[2], from[3]).Value();
    }
    sums.log_loss[static_cast<size_t>(ring)] = cpu::FixedTotal(from[0], from[1]).Value();
    sums.impossible[static_cast<size_t>(ring)] = static_cast<double>(from[2]);
  }
}

}  // namespace pixelcal::cuda
