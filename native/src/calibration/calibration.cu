// Histograms of predicted probabilities on the device. Every warp has a histogram of its own in shared memory
// with one column per lane, so nothing is atomic and no two lanes use the same bank (Nugteren et al., "High
// performance predictable histogramming on GPUs", GPGPU-4, 2011). Probabilities are whole multiples of 2^-40;
// a cell holds their sum below its count, so each pixel is one 64-bit addition, and the sums equal the CPU's
// bit for bit in any order. With weights they are doubles, added in an order that depends only on the sizes.
// O(pixels x groups); a histogram with more bins than fit is processed in runs of bins. Tested on an
// emulator, never yet run on a GPU.
#include <vector>

#include "calibration/bin_limits.h"
#include "calibration/calibration.h"
#include "calibration/cuda_probabilities.h"
#include "calibration/probability_block.h"
#include "calibration/wanted_squares.h"

namespace pixelcal::cuda {
namespace {

constexpr int kMostWarps = 4;
constexpr int64_t kChunkPixels = 16384;  // fewer than 4096 for each lane, so that no cell overflows
constexpr int kSumBits = 52;

// A run of bins of one group of one histogram.
struct Run {
  Score score;
  int group, bins;  // bins: of the whole histogram
  bool grid;        // whether the limits are about m / bins
  float threshold;
  int64_t limits;   // offset of its limits
  int first, last;  // limits below p: [first, last)
  int64_t slot;     // slot of `first`; every limit has two, misses and hits
};

struct Exact {
  using Cell = unsigned long long;
  static constexpr int kCells = 1;  // per slot
  __device__ static void Add(Cell* cell, float p, float) {
    // The last place of 2^12 + p has exactly the wanted unit.
    const double shifted = static_cast<double>(p) + 4096;
    cell[0] += (1ull << kSumBits) + static_cast<Cell>((shifted - 4096) * 0x1p40);
  }
};
struct Weighted {
  using Cell = double;
  static constexpr int kCells = 2;
  __device__ static void Add(Cell* cell, float p, float weight) {
    cell[0] += weight;
    cell[kWarp] += static_cast<double>(weight) * p;
  }
};

// Sums of p^2, added as weighted sums are.
struct Squared {
  using Cell = double;
  static constexpr int kCells = 2;
  __device__ static void Add(Cell* cell, float p, float weight) {
    cell[0] += weight;
    cell[kWarp] += static_cast<double>(weight * p) * p;
  }
};

// Returns the number of limits below p.
__device__ inline int LimitsBelow(const Run& run, const float* limits, float p) {
  if (run.grid) {
    const int nearest = static_cast<int>(p * static_cast<float>(run.bins) + 0.5f);
    return nearest + (p > limits[nearest] ? 1 : 0);
  }
  int low = 0, high = run.bins + 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (p > limits[middle])
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Each block adds a chunk of one image to one run. Exact sums go to totals[slot] = {count, whole, fraction}
// by integer addition, weighted ones to sums[(image's chunks + chunk) * slots + slot] = {count, sum}.
template <class Value, class Sums>
__global__ void AddToHistograms(DeviceMaps<Value> maps, const Run* runs, int64_t run_count,
                                const float* limits, int64_t slots, int64_t first_chunk,
                                unsigned long long* totals, double* sums, Finding* finding) {
  using Cell = typename Sums::Cell;
  Cell* cells = reinterpret_cast<Cell*>(SharedBytes());
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1, items = maps.images * chunks * run_count;
  for (int64_t item = blockIdx.x; item < items; item += gridDim.x) {
    const Run run = runs[item % run_count];
    const int64_t place = item / run_count, image = place / chunks, begin = place % chunks * kChunkPixels;
    const int64_t end = Least(maps.pixels, begin + kChunkPixels);
    const int own_slots = 2 * (run.last - run.first), own_cells = own_slots * Sums::kCells * kWarp;
    for (int i = threadIdx.x; i < own_cells * warps; i += blockDim.x) cells[i] = 0;
    __syncthreads();
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const int code = maps.Code(image, i);
      bool hit, valid;
      const float p = ScoreOf(maps, run.score, run.group, image, i, code, &hit, &valid);
      if (!valid) Find(finding, i);
      if (code < 0 || !valid || !(p > run.threshold)) continue;
      const int below = LimitsBelow(run, limits + run.limits, p);
      if (below < run.first || below >= run.last) continue;
      const int slot = 2 * (below - run.first) + (hit ? 1 : 0);
      Sums::Add(cells + warp * own_cells + slot * Sums::kCells * kWarp + lane, p,
                maps.weights ? maps.weights[image * maps.pixels + i] : 1.0f);
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < own_slots; slot += blockDim.x) {
      if constexpr (Sums::kCells == 1) {
        unsigned long long count = 0, sum = 0;
        for (int w = 0; w < warps; ++w) {
          for (int k = 0; k < kWarp; ++k) {
            const Cell cell = cells[w * own_cells + slot * kWarp + (k + slot) % kWarp];
            count += cell >> kSumBits;
            sum += cell & ((1ull << kSumBits) - 1);
          }
        }
        if (count == 0) continue;
        unsigned long long* to = totals + 3 * (run.slot + slot);
        atomicAdd(to, count);
        atomicAdd(to + 1, sum >> 40);
        atomicAdd(to + 2, sum & ((1ull << 40) - 1));
      } else {
        double count = 0, sum = 0;
        for (int w = 0; w < warps; ++w) {
          for (int k = 0; k < kWarp; ++k) {
            const Cell* cell = cells + w * own_cells + slot * 2 * kWarp + k;
            count += cell[0];
            sum += cell[kWarp];
          }
        }
        double* to = sums + 2 * ((first_chunk + place) * slots + run.slot + slot);
        to[0] = count;
        to[1] = sum;
      }
    }
    __syncthreads();
  }
}

// The runs of all groups, with their limits and the places of their sums.
struct Plan {
  std::vector<Run> runs;
  std::vector<float> limits;
  std::vector<int64_t> group_slots;  // first slot of every group, in order
  int64_t slots = 0;
  int most_slots = 0;  // slots of the largest run
  bool reads_all = false;

  Plan(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options, int64_t slot_bytes) {
    const int most = static_cast<int>(static_cast<int64_t>(kSharedBytes) / slot_bytes) / 2;
    for (const CalibrationOptions& each : options) {
      reads_all |= each.score != Score::kForeground;
      std::vector<simd::BinLimits> tables;
      std::vector<int64_t> starts;
      for (auto edges = each.edges; !edges.empty();
           edges = edges.subspan(static_cast<size_t>(each.bins) + 1)) {
        const cpu::BinTable table(edges.first(static_cast<size_t>(each.bins) + 1), each);
        tables.push_back(table.Limits());
        starts.push_back(std::ssize(limits));
        // One more limit, because rounding may look one further.
        limits.insert(limits.end(), tables.back().limits, tables.back().limits + each.bins + 2);
      }
      for (int64_t g = 0; g < cpu::CalibrationGroups(each.score, maps.classes); ++g) {
        const size_t of = tables.size() > 1 ? static_cast<size_t>(g) : 0;
        group_slots.push_back(slots);
        const int all = static_cast<int>(each.bins) + 1;
        for (int first = 0; first <= all; first += most) {
          const int last = std::min(first + most, all + 1);
          runs.push_back({each.score, static_cast<int>(g), static_cast<int>(each.bins),
                          tables[of].search == simd::BinSearch::kGrid, each.threshold, starts[of], first,
                          last, slots + 2 * first});
          most_slots = std::max(most_slots, 2 * (last - first));
        }
        slots += 2 * (all + 1);
      }
    }
  }
};

// The count and sum of p of a slot.
struct Slot {
  unsigned long long whole_count = 0, whole = 0, fraction = 0;
  double count = 0, sum = 0;
  void Add(const Slot& other) {
    whole_count += other.whole_count;
    whole += other.whole;
    fraction += other.fraction;
    count += other.count;
    sum += other.sum;
  }
  double Count() const { return static_cast<double>(whole_count) + count; }
  double Sum() const {
    const unsigned long long carried = whole + (fraction >> 40), rest = fraction & ((1ull << 40) - 1);
    return static_cast<double>(carried) + static_cast<double>(rest) * 0x1p-40 + sum;
  }
};

void Write(const Plan& plan, const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
           const std::vector<Slot>& slots, std::span<const CalibrationSums> sums) {
  size_t at = 0;
  for (size_t h = 0; h < options.size(); ++h) {
    for (int64_t g = 0; g < cpu::CalibrationGroups(options[h].score, maps.classes); ++g) {
      const Slot* slot = slots.data() + plan.group_slots[at++];
      Slot everywhere;
      for (int64_t below = 0; below <= options[h].bins; ++below) {
        Slot both = slot[2 * below];
        both.Add(slot[2 * below + 1]);
        everywhere.Add(both);
        if (below == 0) {  // the pixels in no bin
          sums[h].dropped[static_cast<size_t>(g)] = both.Count();
          continue;
        }
        const auto to = static_cast<size_t>(g * options[h].bins + below - 1);
        sums[h].count[to] = both.Count();
        sums[h].confidence[to] = both.Sum();
        sums[h].accuracy[to] = slot[2 * below + 1].Count();
        sums[h].false_positive[to] = slot[2 * below].Sum();
      }
      sums[h].total[static_cast<size_t>(g)] = everywhere.Count();
    }
  }
}

template <class Value, class Sums>
std::vector<Slot> Add(const ProbabilityMaps& maps, const Plan& plan, Findings& findings) {
  constexpr int64_t kSlotBytes = Sums::kCells * kWarp * 8;
  int warps = kMostWarps;
  while (warps > 1 && warps * plan.most_slots * kSlotBytes > static_cast<int64_t>(kSharedBytes)) warps /= 2;
  const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1, all_chunks = maps.batch * chunks;
  constexpr bool kExact = Sums::kCells == 1;
  const int64_t values = CheckedProduct(plan.slots, kExact ? 3 : CheckedProduct(2, all_chunks));
  const DeviceMemory memory(static_cast<size_t>(CheckedProduct(8, std::max<int64_t>(1, values))));
  {
    Stream stream;
    PIXELCAL_CUDA(cudaMemsetAsync, memory.data(), 0, memory.bytes(), stream.get());
    stream.Wait();
  }
  ForPieces(maps.batch, BytesPerImage(maps), [&](Stream& stream, int64_t first, int64_t images) {
    Finding* finding = findings.Add(stream);
    const DeviceMaps<Value> piece = ReadMaps<Value>(stream, maps, first, images, finding);
    if (!plan.reads_all)
      LaunchItems("FindBadValues", FindBadValues<Value>, images * maps.classes * maps.pixels, stream, piece,
                  finding);
    if (plan.runs.empty()) return;
    const auto runs = static_cast<int64_t>(plan.runs.size());
    Launch("AddToHistograms", AddToHistograms<Value, Sums>,
           std::min<int64_t>(images * chunks * runs, 1 << 20), warps * kWarp,
           static_cast<size_t>(warps * plan.most_slots * kSlotBytes), stream, piece, stream.In(plan.runs),
           runs, stream.In(plan.limits), plan.slots, first * chunks,
           static_cast<unsigned long long*>(memory.data()), static_cast<double*>(memory.data()), finding);
  });
  std::vector<Slot> slots(static_cast<size_t>(plan.slots));
  if constexpr (kExact) {
    std::vector<unsigned long long> totals(memory.bytes() / 8);
    memory.CopyTo(totals.data());
    for (size_t i = 0; i < slots.size(); ++i)
      slots[i] = {totals[3 * i], totals[3 * i + 1], totals[3 * i + 2], 0, 0};
  } else {
    std::vector<double> sums(memory.bytes() / 8);
    memory.CopyTo(sums.data());
    for (int64_t chunk = 0; chunk < all_chunks; ++chunk) {
      for (size_t i = 0; i < slots.size(); ++i) {
        const size_t at = 2 * (static_cast<size_t>(chunk) * slots.size() + i);
        slots[i].Add({0, 0, 0, sums[at], sums[at + 1]});
      }
    }
  }
  return slots;
}

// The sums of p^2 of the histograms that want them.
void AddSquares(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                std::span<const CalibrationSums> sums, Findings& findings) {
  const auto [wanted, to] = internal::WantedSquares(options, sums);
  if (wanted.empty()) return;
  const Plan plan(maps, wanted, kWarp * 8 * Squared::kCells);
  const auto slots = std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        return Add<Value, Squared>(maps, plan, findings);
      },
      maps.probs);
  size_t at = 0;
  for (size_t h = 0; h < wanted.size(); ++h) {
    for (int64_t g = 0; g < cpu::CalibrationGroups(wanted[h].score, maps.classes); ++g) {
      const Slot* slot = slots.data() + plan.group_slots[at++];
      for (int64_t bin = 0; bin < wanted[h].bins; ++bin)
        to[h][static_cast<size_t>(g * wanted[h].bins + bin)] =
            slot[2 * (bin + 1)].Sum() + slot[2 * (bin + 1) + 1].Sum();
    }
  }
}

}  // namespace

void CalibrationBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                     std::span<const CalibrationSums> sums) {
  cpu::CheckBins(maps, options, sums);
  const bool exact = maps.weights.empty();
  const Plan plan(maps, options, kWarp * 8 * (exact ? Exact::kCells : Weighted::kCells));
  Findings findings;
  const auto slots = std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        return exact ? Add<Value, Exact>(maps, plan, findings) : Add<Value, Weighted>(maps, plan, findings);
      },
      maps.probs);
  AddSquares(maps, options, sums, findings);
  HostCopies copies;
  if (findings.Any()) cpu::CalibrationBins(OnHost(maps, copies), options, sums);  // throws, saying which
  Write(plan, maps, options, slots, sums);
}

}  // namespace pixelcal::cuda
