// Blocks of 2048 pixels: labels are narrowed to codes once, then every row (a class, the foreground, the
// largest probability) goes through calibration/histogram_loops.isa.cc, which finds bins with a comparison or
// a few and adds probabilities as integers to histograms that no two neighbouring pixels share. Integers make
// the sums independent of order, threads and instruction set, so that histograms of one row may have joint
// bins, whose sums are added up into those of each. Privatised histograms follow Nugteren et al., "High
// performance predictable histogramming on GPUs" (GPGPU-4, 2011).
#include "calibration/histogram_pass.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "base/scratch.h"
#include "calibration/weighted_histogram_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kNoSlot = std::numeric_limits<int64_t>::max();
constexpr int32_t kManyBins = 256;  // of which a part may be known to be empty

// Returns a number of slots below all that `count` probabilities use, but the last.
int64_t LeastSlot(const float* p, int64_t count, const simd::BinLimits& limits) {
  const float least = PixelRowsLoops().least(p, static_cast<size_t>(count));
  return 2 * (std::lower_bound(limits.limits, limits.limits + limits.bins + 1, least) - limits.limits);
}

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
  for (size_t score = 0; score < kScores; ++score)
    uses_[score].resize(static_cast<size_t>(CalibrationGroups(static_cast<Score>(score), maps.classes)));
  for (size_t at = 0; at < groups_.size(); ++at) AddGroup(at);
  ForJoints([&](Joint& joint) {
    joint.limits = joint.table.Limits();
    joint.first_slot = joint_slots_;
    joint.number = usual_.size();
    usual_.push_back({1, joint.limits.bins});
    first_slots_.push_back(joint_slots_);
    joint_slots_ += simd::BinSlots(joint.limits.bins);
  });
  first_slots_.push_back(joint_slots_);
  const int64_t chunks = ChunkCount(maps, kLeastBlocks);
  if (IsWeighted())
    weighted_.resize(static_cast<size_t>(chunks * slots_));
  else
    exact_.resize(static_cast<size_t>(joint_slots_));
  squares_.resize(static_cast<size_t>(chunks * square_slots_));
}

void HistogramPass::AddGroup(size_t at) {
  const auto& [histogram, group, limits, first_slot, first_square] = groups_[at];
  const auto& [score, objects] = std::tie(options_[histogram].score, options_[histogram].objects);
  Uses& uses = uses_[static_cast<size_t>(score)][static_cast<size_t>(group)];
  uses.groups.push_back(at);
  if (IsWeighted()) return;
  // Label 0 is what misses the foreground, what hits class 0, and what misses class 1 of two.
  const bool of_classes = score == Score::kClasses;
  if (!objects)
    Join(limits, {at}, uses.joints);
  else if (of_classes && group == 0)
    Join(limits, {at, true, false}, uses.joints);
  else if (score == Score::kForeground || (of_classes && maps_.classes == 2))
    Join(limits, {at, false, true}, uses.joints);
  else
    Join(limits, {at}, uses.of_objects);
}

void HistogramPass::Join(const simd::BinLimits& limits, const Member& member, std::vector<Joint>& joints) {
  for (Joint& joint : joints)
    if (joint.table.Add(limits)) return joint.members.push_back(member);
  Joint& joint = joints.emplace_back();
  joint.table.Add(limits);
  joint.members.push_back(member);
}

HistogramPass::Chunk::Chunk(HistogramPass& pass, int64_t chunk) : pass_(pass), chunk_(chunk) {
  const auto cells = static_cast<size_t>(pass.joint_slots_ * simd::kSlotCells),
             weighted = static_cast<size_t>(pass.IsWeighted() ? pass.slots_ * simd::kSlotCells : 0),
             squares = static_cast<size_t>(pass.square_slots_ * simd::kSlotCells);
  exact_ = Scratch<uint64_t, struct ExactSlots>(cells);
  weighted_ = Scratch<double, struct WeightedSlots>(weighted);
  squares_ = Scratch<double, struct SquareSlots>(squares);
  usual_ = Scratch<simd::UsualBins, struct UsualOfRows>(pass.usual_.size());
  std::ranges::copy(pass.usual_, usual_);
  least_ = Scratch<int64_t, struct LeastSlots>(pass.usual_.size());
  std::fill_n(least_, pass.usual_.size(), kNoSlot);
  std::fill_n(weighted_, weighted, 0.0);
  std::fill_n(squares_, squares, 0.0);
}

HistogramPass::Chunk::~Chunk() {
  if (!ended_) std::fill_n(exact_, static_cast<size_t>(pass_.joint_slots_ * simd::kSlotCells), uint64_t{0});
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
  const Uses& uses = pass_.UsesOf(row);
  AddJoints(block, row, uses.joints, block.all);
  if (!uses.of_objects.empty()) {
    alignas(64) std::array<int16_t, kBlockPixels> codes;
    PixelRowsLoops().of_objects(block.codes.data(), row.codes, block.count, codes.data());
    AddJoints(block, {row.score, row.group, row.p, codes.data(), row.hit}, uses.of_objects, false);
  }
  for (const size_t at : uses.groups) {
    const Group& group = pass_.groups_[at];
    double* squares = group.first_square < 0 ? nullptr : squares_ + group.first_square * simd::kSlotCells;
    if (!pass_.IsWeighted()) {
      // p weighs itself.
      if (squares) AddWeighted(block, row, group.limits, row.p, squares);
      continue;
    }
    AddWeighted(block, row, group.limits, block.weights, weighted_ + group.first_slot * simd::kSlotCells);
    if (!squares) continue;
    alignas(64) std::array<float, kBlockPixels> products;
    for (int64_t i = 0; i < block.count; ++i) products[i] = block.weights[i] * row.p[i];
    AddWeighted(block, row, group.limits, products.data(), squares);
  }
}

void HistogramPass::Chunk::AddJoints(const ProbabilityBlock& block, const ScoreRow& row,
                                     const std::vector<Joint>& joints, bool all) {
  for (const Joint& joint : joints) {
    int64_t& least = least_[joint.number];
    least = joint.limits.bins < kManyBins ? 0 : std::min(least, LeastSlot(row.p, block.count, joint.limits));
    HistogramLoops().add(row.p, row.codes, row.hit, block.count, joint.limits,
                         all && joint.limits.threshold < 0, exact_ + joint.first_slot * simd::kSlotCells,
                         usual_ + joint.number);
  }
}

void HistogramPass::Chunk::AddWeighted(const ProbabilityBlock& block, const ScoreRow& row,
                                       const simd::BinLimits& limits, const float* weights, double* slots) {
  WeightedHistogramLoops().add(row.p, row.codes, row.hit, weights, block.count, limits, slots);
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
  const auto flush = [&](int64_t slot) {
    uint64_t* cells = exact_ + slot * simd::kSlotCells;
    uint64_t any = 0;  // of thousands of bins most are empty
    for (int64_t cell = 0; cell < simd::kSlotCells; ++cell) any |= cells[cell];
    if (any == 0) return;
    AddCells(cells, pass_.exact_[static_cast<size_t>(slot)]);
    std::fill_n(cells, simd::kSlotCells, uint64_t{0});
  };
  for (size_t joint = 0; joint < pass_.usual_.size(); ++joint) {
    const int64_t first = pass_.first_slots_[joint], last = pass_.first_slots_[joint + 1] - 1;
    for (int64_t slot = first + std::min(least_[joint], last - first); slot <= last; ++slot) flush(slot);
    least_[joint] = kNoSlot;
  }
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
  ended_ = true;
}

}  // namespace pixelcal::cpu
