// Histograms of predicted probabilities on the device (calibration/cuda_histogram.h). O(pixels x groups); a
// histogram with more bins than fit shared memory is processed in runs of bins. Tested on an emulator, never
// yet run on a GPU.
#include <vector>

#include "calibration/bin_limits.h"
#include "calibration/calibration.h"
#include "calibration/cuda_histogram.h"
#include "calibration/cuda_probabilities.h"
#include "calibration/probability_block.h"
#include "calibration/wanted_squares.h"

namespace pixelcal::cuda {
namespace {

constexpr int kMostWarps = 4;

// The runs of all groups, with their limits and the places of their sums.
struct Plan {
  std::vector<BinRun> runs;
  std::vector<float> limits;
  std::vector<int64_t> group_slots;  // first slot of every group, in order
  int64_t slots = 0;
  int most_slots = 0;  // slots of the largest run
  bool reads_all = false;

  Plan(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options, int64_t slot_bytes) {
    const int most = static_cast<int>(static_cast<int64_t>(kSharedBytes) / slot_bytes) / 2;
    for (const CalibrationOptions& each : options) {
      Require(!each.objects, "objects: not supported on cuda");
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
  const int64_t chunks = (maps.pixels - 1) / kHistogramChunk + 1, all_chunks = maps.batch * chunks;
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
  const Plan plan(maps, wanted, kWarp * 8 * SquaredCells::kCells);
  const auto slots = std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        return Add<Value, SquaredCells>(maps, plan, findings);
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
  const Plan plan(maps, options, kWarp * 8 * (exact ? ExactCells::kCells : WeightedCells::kCells));
  Findings findings;
  const auto slots = std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        return exact ? Add<Value, ExactCells>(maps, plan, findings)
                     : Add<Value, WeightedCells>(maps, plan, findings);
      },
      maps.probs);
  AddSquares(maps, options, sums, findings);
  HostCopies copies;
  if (findings.Any()) cpu::CalibrationBins(OnHost(maps, copies), options, sums);  // throws, saying which
  Write(plan, maps, options, slots, sums);
}

}  // namespace pixelcal::cuda
