// Blocks of 2048 pixels: labels are narrowed to codes once, then every row (a class, the foreground, the
// largest probability) goes through calibration/histogram_loops.isa.cc, which finds bins with one comparison
// and adds probabilities as integers to histograms that no two neighbouring pixels share. Integers make the
// sums independent of order, threads and instruction set. Privatised histograms follow Nugteren et al., "High
// performance predictable histogramming on GPUs" (GPGPU-4, 2011).
#include "calibration/histogram_pass.h"

#include <algorithm>
#include <array>

#include "base/scratch.h"
#include "calibration/weighted_histogram_loops.h"

namespace pixelcal::cpu {
namespace {

double Value(double sum) { return sum; }
double Value(int64_t count) { return static_cast<double>(count); }
double Value(const FixedTotal& sum) { return sum.Value(); }

}  // namespace

void HistogramPass::Exact::Add(const Exact& other) {
  count += other.count;
  confidence.Add(other.confidence);
}

void HistogramPass::Weighted::Add(const Weighted& other) {
  count += other.count;
  confidence += other.confidence;
}

HistogramPass::HistogramPass(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options)
    : maps_(maps), options_(options) {
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
      const int64_t slots = simd::BinSlots(options[h].bins);
      groups_.push_back({h, g, tables_[table].Limits(), slots_, options[h].squares ? square_slots_ : -1});
      slots_ += slots;
      square_slots_ += options[h].squares ? slots : 0;
    }
  }
  const int64_t chunks = ChunkCount(maps, kLeastBlocks);
  if (IsWeighted())
    weighted_.resize(static_cast<size_t>(chunks * slots_));
  else
    exact_.resize(static_cast<size_t>(slots_));
  squares_.resize(static_cast<size_t>(chunks * square_slots_));
}

HistogramPass::Chunk::Chunk(HistogramPass& pass, int64_t chunk) : pass_(pass), chunk_(chunk) {
  const auto cells = static_cast<size_t>(pass.slots_ * simd::kSlotCells),
             squares = static_cast<size_t>(pass.square_slots_ * simd::kSlotCells);
  exact_ = Scratch<uint64_t, struct ExactSlots>(pass.IsWeighted() ? 0 : cells);
  weighted_ = Scratch<double, struct WeightedSlots>(pass.IsWeighted() ? cells : 0);
  squares_ = Scratch<double, struct SquareSlots>(squares);
  if (pass.IsWeighted())
    std::fill_n(weighted_, cells, 0.0);
  else
    std::fill_n(exact_, cells, uint64_t{0});
  std::fill_n(squares_, squares, 0.0);
}

bool HistogramPass::Chunk::Add(const ProbabilityBlock& block, RowRoom& room, bool winners) {
  if (!pass_.IsWeighted() && blocks_++ == kLeastBlocks) {
    Flush();
    blocks_ = 1;
  }
  return ForRows(block, pass_.maps_.classes, pass_.options_, winners, room,
                 [&](const ScoreRow& row) { AddRow(block, row); });
}

void HistogramPass::Chunk::AddRow(const ProbabilityBlock& block, const ScoreRow& row) {
  const Group& group = pass_.groups_[static_cast<size_t>(row.group)];
  const int64_t at = group.first_slot * simd::kSlotCells;
  double* squares = group.first_square < 0 ? nullptr : squares_ + group.first_square * simd::kSlotCells;
  if (!pass_.IsWeighted()) {
    HistogramLoops().add(row.p, row.codes, row.hit, block.count, group.limits,
                         block.all && group.limits.threshold < 0, exact_ + at);
    // p weighs itself.
    if (squares) AddWeighted(block, row, row.p, squares);
    return;
  }
  AddWeighted(block, row, block.weights, weighted_ + at);
  if (!squares) return;
  alignas(64) std::array<float, kBlockPixels> products;
  for (int64_t i = 0; i < block.count; ++i) products[i] = block.weights[i] * row.p[i];
  AddWeighted(block, row, products.data(), squares);
}

void HistogramPass::Chunk::AddWeighted(const ProbabilityBlock& block, const ScoreRow& row,
                                       const float* weights, double* slots) {
  WeightedHistogramLoops().add(row.p, row.codes, row.hit, weights, block.count,
                               pass_.groups_[static_cast<size_t>(row.group)].limits, slots);
}

// Adds the cells of a slot to a sum. The low 52 bits of a cell are the sum of p; the bits above are n times
// an odd number, modulo 2^12.
void HistogramPass::AddCells(const uint64_t* cells, Exact& sum) {
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

// Adds the cells, which could be full, to the sums of the pass.
void HistogramPass::Chunk::Flush() {
  const std::lock_guard lock(pass_.mutex_);
  for (int64_t slot = 0; slot < pass_.slots_; ++slot)
    AddCells(exact_ + slot * simd::kSlotCells, pass_.exact_[static_cast<size_t>(slot)]);
  std::fill_n(exact_, pass_.slots_ * simd::kSlotCells, uint64_t{0});
}

void HistogramPass::Chunk::End() {
  const auto collect = [&](const double* cells, int64_t slots, std::vector<Weighted>& chunks) {
    Weighted* sums = chunks.data() + chunk_ * slots;
    for (int64_t cell = 0; cell < slots * simd::kSlotCells; cell += 2)
      sums[cell / simd::kSlotCells].Add({cells[cell], cells[cell + 1]});
  };
  if (pass_.IsWeighted())
    collect(weighted_, pass_.slots_, pass_.weighted_);
  else
    Flush();
  collect(squares_, pass_.square_slots_, pass_.squares_);
}

std::vector<HistogramPass::Weighted> HistogramPass::Added(const std::vector<Weighted>& chunks,
                                                          int64_t slots) {
  std::vector<Weighted> totals(static_cast<size_t>(slots));
  for (size_t at = 0; at < chunks.size(); ++at) totals[at % totals.size()].Add(chunks[at]);
  return totals;
}

template <class Sum>
void HistogramPass::WriteBins(const std::vector<Sum>& slots, std::span<const CalibrationSums> sums) const {
  for (const Group& group : groups_) {
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

void HistogramPass::WriteSquares(std::span<const CalibrationSums> sums) const {
  const std::vector<Weighted> totals = Added(squares_, square_slots_);
  for (const Group& group : groups_) {
    if (group.first_square < 0) continue;
    const Weighted* slot = totals.data() + group.first_square;
    const std::span<double> to = sums[group.histogram].squares;
    for (int64_t bin = 0; bin < group.limits.bins; ++bin)
      to[group.group * group.limits.bins + bin] =
          slot[2 * (bin + 1)].confidence + slot[2 * (bin + 1) + 1].confidence;
  }
}

void HistogramPass::Write(std::span<const CalibrationSums> sums) const {
  if (IsWeighted())
    WriteBins(Added(weighted_, slots_), sums);
  else
    WriteBins(exact_, sums);
  WriteSquares(sums);
}

}  // namespace pixelcal::cpu
