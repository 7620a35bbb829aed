// Histograms of predicted probabilities with the sums behind every binned calibration error, any number of
// them from one pass over memory: O(pixels x groups) time, whatever the number of bins.
//
// Blocks of 2048 pixels: labels are narrowed to codes once, then every row (a class, the foreground, the
// largest probability) goes through calibration/histogram_loops.isa.cc, which finds bins with one comparison
// and adds probabilities as integers to histograms that no two neighbouring pixels share. Integers make the
// sums independent of order, threads and instruction set. Privatised histograms follow Nugteren et al., "High
// performance predictable histogramming on GPUs" (GPGPU-4, 2011).
#include "calibration/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/scratch.h"
#include "calibration/bin_limits.h"
#include "calibration/exact_sum.h"
#include "calibration/histogram_loops.h"
#include "calibration/probability_block.h"
#include "calibration/score_rows.h"
#include "calibration/wanted_squares.h"
#include "calibration/weighted_histogram_loops.h"

namespace pixelcal::cpu {
namespace {

// The number of blocks after which a cell could be full.
constexpr int64_t kFlushBlocks = simd::kCellPixels / kBlockPixels;
static_assert(kFlushBlocks >= 1);

// A group of a histogram.
struct Group {
  size_t histogram;
  int64_t group;
  simd::BinLimits limits;
  int64_t first_slot;
  int64_t Slots() const { return simd::BinSlots(limits.bins); }
};

// The bin tables and groups of all histograms, their slots one after the other.
class Groups {
 public:
  Groups(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options) {
    std::vector<std::vector<size_t>> table_of(options.size());
    for (size_t h = 0; h < options.size(); ++h) {
      const int64_t width = options[h].bins + 1;
      for (auto edges = options[h].edges; !edges.empty(); edges = edges.subspan(width)) {
        table_of[h].push_back(tables_.size());
        tables_.emplace_back(edges.first(width), options[h]);
      }
    }
    for (size_t h = 0; h < options.size(); ++h) {
      for (int64_t g = 0; g < CalibrationGroups(options[h].score, maps.classes); ++g) {
        const size_t table = table_of[h][table_of[h].size() > 1 ? g : 0];
        groups_.push_back({h, g, tables_[table].Limits(), slots_});
        slots_ += groups_.back().Slots();
      }
    }
  }

  const std::vector<Group>& All() const { return groups_; }
  int64_t Slots() const { return slots_; }

 private:
  std::vector<BinTable> tables_;
  std::vector<Group> groups_;
  int64_t slots_ = 0;
};

// The count and sum of p of a slot.
struct Exact {
  int64_t count = 0;
  FixedTotal confidence;

  void Add(const Exact& other) {
    count += other.count;
    confidence.Add(other.confidence);
  }
};
struct Weighted {
  double count = 0, confidence = 0;

  void Add(const Weighted& other) {
    count += other.count;
    confidence += other.confidence;
  }
};
double Value(double sum) { return sum; }
double Value(int64_t count) { return static_cast<double>(count); }
double Value(const FixedTotal& sum) { return sum.Value(); }

// Adds the cells of a slot to a sum. The low 52 bits of a cell are the sum of p; the bits above are n times
// an odd number, modulo 2^12.
void AddCells(const uint64_t* cells, Exact& sum) {
  constexpr int kBits = 52;
  constexpr uint64_t kMarker = 0x40b;  // the bits of the double 2^12, above its 52
  constexpr uint64_t kInverse = 1955;
  static_assert(kMarker * kInverse % 4096 == 1 && simd::kCellOffset == 4096);
  uint64_t count = 0, confidence = 0;  // eight cells are far from full
  for (int64_t cell = 0; cell < simd::kSlotCells; ++cell) {
    count += (cells[cell] >> kBits) * kInverse % 4096;
    confidence += cells[cell] & ((uint64_t{1} << kBits) - 1);
  }
  sum.count += static_cast<int64_t>(count);
  sum.confidence.Add(confidence);
}

template <class Sum>
void Write(const Groups& groups, const std::vector<Sum>& slots, std::span<const CalibrationSums> sums) {
  for (const Group& group : groups.All()) {
    const CalibrationSums& to = sums[group.histogram];
    const int64_t bins = group.limits.bins;
    const Sum* slot = slots.data() + group.first_slot;
    Sum everywhere;
    for (int64_t below = 0; below <= bins; ++below) {
      const Sum miss = slot[2 * below], hit = slot[2 * below + 1];
      Sum both = miss;
      both.Add(hit);
      everywhere.Add(both);
      if (below == 0) {  // pixels in no bin
        to.dropped[group.group] = Value(both.count);
        continue;
      }
      const int64_t at = group.group * bins + below - 1;
      to.count[at] = Value(both.count);
      to.confidence[at] = Value(both.confidence);
      to.accuracy[at] = Value(hit.count);
      to.false_positive[at] = Value(miss.confidence);
    }
    to.total[group.group] = Value(everywhere.count);
  }
}

void AddExactly(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                const Groups& groups, std::vector<Exact>& totals) {
  const int64_t cells = groups.Slots() * simd::kSlotCells;
  totals.resize(groups.Slots());
  std::mutex mutex;
  ForChunks(maps, kFlushBlocks, [&](int64_t, BlockReader& reader) {
    uint64_t* slots = Scratch<uint64_t, struct ExactSlots>(cells);
    Exact* sums = Scratch<Exact, struct ExactSums>(groups.Slots());
    std::fill_n(slots, cells, uint64_t{0});
    std::fill_n(sums, groups.Slots(), Exact{});
    const auto flush = [&] {
      for (int64_t slot = 0; slot < groups.Slots(); ++slot)
        AddCells(slots + slot * simd::kSlotCells, sums[slot]);
      std::fill_n(slots, cells, uint64_t{0});
    };
    int64_t blocks = 0;
    while (const ProbabilityBlock* block = reader.Next()) {
      if (blocks++ == kFlushBlocks) {
        flush();
        blocks = 1;
      }
      ForRows(*block, maps.classes, options, [&](const ScoreRow& row) {
        const Group& group = groups.All()[row.group];
        HistogramLoops().add(row.p, row.codes, row.hit, block->count, group.limits,
                             block->all && group.limits.threshold < 0,
                             slots + group.first_slot * simd::kSlotCells);
      });
    }
    flush();
    const std::lock_guard lock(mutex);
    for (int64_t slot = 0; slot < groups.Slots(); ++slot) totals[slot].Add(sums[slot]);
  });
}

// Adds the parts of each chunk in order, then the chunks in order. With `squares`, p weighs itself once more.
void AddWeighted(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                 const Groups& groups, bool squares, std::vector<Weighted>& totals) {
  const int64_t cells = groups.Slots() * simd::kSlotCells;
  std::vector<Weighted> chunks(ChunkCount(maps, kFlushBlocks) * groups.Slots());
  ForChunks(maps, kFlushBlocks, [&](int64_t chunk, BlockReader& reader) {
    double* slots = Scratch<double, struct WeightedSlots>(cells);
    std::fill_n(slots, cells, 0.0);
    alignas(64) std::array<float, kBlockPixels> products;
    while (const ProbabilityBlock* block = reader.Next())
      ForRows(*block, maps.classes, options, [&](const ScoreRow& row) {
        const Group& group = groups.All()[row.group];
        const float* weights = squares ? row.p : block->weights;
        if (squares && block->weights) {
          for (int64_t i = 0; i < block->count; ++i) products[i] = block->weights[i] * row.p[i];
          weights = products.data();
        }
        WeightedHistogramLoops().add(row.p, row.codes, row.hit, weights, block->count, group.limits,
                                     slots + group.first_slot * simd::kSlotCells);
      });
    Weighted* sums = chunks.data() + chunk * groups.Slots();
    for (int64_t cell = 0; cell < cells; cell += 2)
      sums[cell / simd::kSlotCells].Add({slots[cell], slots[cell + 1]});
  });
  totals.resize(groups.Slots());
  for (size_t at = 0; at < chunks.size(); ++at) totals[at % totals.size()].Add(chunks[at]);
}

// The sums of p^2 of the histograms that want them.
void AddSquares(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                std::span<const CalibrationSums> sums) {
  const auto [wanted, to] = internal::WantedSquares(options, sums);
  if (wanted.empty()) return;
  const Groups groups(maps, wanted);
  std::vector<Weighted> totals;
  AddWeighted(maps, wanted, groups, true, totals);
  for (const Group& group : groups.All()) {
    const Weighted* slot = totals.data() + group.first_slot;
    for (int64_t bin = 0; bin < group.limits.bins; ++bin)
      to[group.histogram][group.group * group.limits.bins + bin] =
          slot[2 * (bin + 1)].confidence + slot[2 * (bin + 1) + 1].confidence;
  }
}

void CheckOptions(const ProbabilityMaps& maps, const CalibrationOptions& options,
                  const CalibrationSums& sums) {
  const int64_t bins = options.bins, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1 && bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ", bins);
  Require(std::ssize(options.edges) == bins + 1 || std::ssize(options.edges) == groups * (bins + 1),
          "edges: expected ", bins + 1, " or ", groups * (bins + 1), ", got ", options.edges.size());
  for (int64_t at = 0; at < std::ssize(options.edges); ++at) {
    const double edge = options.edges[at];
    if (at % (bins + 1) == 0)
      Require(edge == 0, "edges: expected 0 first, got ", edge);
    else
      Require(edge >= options.edges[at - 1], "edges: expected increasing numbers, got ", edge, " after ",
              options.edges[at - 1]);
    if (at % (bins + 1) == bins) Require(edge == 1, "edges: expected 1 last, got ", edge);
  }
  Require(!std::isnan(options.threshold), "threshold: expected a number, got NaN");
  for (const std::span<double> sum : {sums.total, sums.dropped})
    Require(std::ssize(sum) == groups, "total: expected ", groups, " values, got ", sum.size());
  for (const std::span<double> sum : {sums.count, sums.confidence, sums.accuracy, sums.false_positive})
    Require(std::ssize(sum) == groups * bins, "sums: expected ", groups * bins, " values, got ", sum.size());
  Require(std::ssize(sums.squares) == (options.squares ? groups * bins : 0), "squares: expected ",
          options.squares ? groups * bins : 0, " values, got ", sums.squares.size());
}

}  // namespace

int64_t CalibrationGroups(Score score, int64_t classes) { return score == Score::kClasses ? classes : 1; }

void CheckBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
               std::span<const CalibrationSums> sums) {
  CheckMaps(maps);
  Require(options.size() == sums.size(), "sums: expected one for each of ", options.size(),
          " histograms, got ", sums.size());
  for (size_t h = 0; h < options.size(); ++h) CheckOptions(maps, options[h], sums[h]);
}

void CalibrationBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                     std::span<const CalibrationSums> sums) {
  CheckBins(maps, options, sums);
  const Groups groups(maps, options);
  if (maps.weights.empty()) {
    std::vector<Exact> totals;
    AddExactly(maps, options, groups, totals);
    Write(groups, totals, sums);
  } else {
    std::vector<Weighted> totals;
    AddWeighted(maps, options, groups, false, totals);
    Write(groups, totals, sums);
  }
  AddSquares(maps, options, sums);
}

}  // namespace pixelcal::cpu
