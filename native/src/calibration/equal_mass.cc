// Bin edges from order statistics, by counting instead of sorting: the bits of floats in [0, 1] rise with
// them and fit three digits of 10 bits. A pass counts first digits; the counts tell the first digit of each
// wanted rank, the next pass counts second digits after those, and so on (most significant digit radix
// selection, Knuth, The Art of Computer Programming 3, 5.2.5). O(3 pixels x groups) time, and one more pass
// for every further 256 wanted prefixes of the same length; 12 KB of memory per wanted prefix, and on each
// thread 256 tables of 1024 x 4 counters.
#include "calibration/equal_mass.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "calibration/probability_block.h"
#include "calibration/score_rows.h"

namespace pixelcal {
namespace {

using internal::DigitNode;
using internal::DigitOf;
using internal::kDigitBits;
using internal::kDigits;
using internal::kDigitValues;
using internal::kNoKey;

// Neighbouring pixels use different counters of a digit value. A counter has 32 bits and serves one of at
// most 256 chunks, so as many as 2^42 pixels fit.
constexpr int64_t kLanes = 4;
constexpr int64_t kTableSize = kDigitValues * kLanes;
constexpr int64_t kNodesAtOnce = 256;
constexpr int64_t kLeastBlocks = 64;

// A wanted edge: the node its value was followed to, and its rank among that node's keys.
struct Wanted {
  double* edge;
  int32_t node;
  int64_t rank;
  uint32_t prefix;
};

void ReadKeys(const float* p, const int16_t* codes, float threshold, int64_t count, uint32_t* keys) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, p + i, sizeof bits);
    bits &= 0x7fffffff;  // -0 is 0
    keys[i] = codes[i] >= 0 && p[i] > threshold ? bits : kNoKey;
  }
}

// Adds the counts of nodes [first, last), which are `depth` digits deep.
void CountNodes(const ProbabilityMaps& maps, const CalibrationOptions& options, std::vector<DigitNode>& nodes,
                int depth, int64_t first, int64_t last) {
  std::mutex mutex;
  const DigitNode* const all = nodes.data();
  const int64_t tables = last - first + 1;  // table 0 takes keys of other nodes
  cpu::ForChunks(maps, kLeastBlocks, [&](int64_t, cpu::BlockReader& reader) {
    uint32_t* counts = Scratch<uint32_t, struct DigitCounts>(tables * kTableSize);
    std::fill_n(counts, tables * kTableSize, 0u);
    std::array<uint32_t, cpu::kBlockPixels> keys;
    cpu::RowRoom room;
    while (const cpu::ProbabilityBlock* block = reader.Next())
      cpu::ForRows(*block, maps.classes, {&options, 1}, false, room, [&](const cpu::ScoreRow& row) {
        ReadKeys(row.p, row.codes, options.threshold, block->count, keys.data());
        for (int64_t i = 0; i < block->count; ++i) {
          int64_t node = 1 + row.group;
          for (int digit = 0; digit < depth; ++digit) node = all[node].next[DigitOf(keys[i], digit)];
          const int64_t table = node >= first && node < last ? node - first + 1 : 0;
          ++counts[table * kTableSize + DigitOf(keys[i], depth) * kLanes + i % kLanes];
        }
      });
    const std::lock_guard lock(mutex);
    for (int64_t node = first; node < last; ++node)
      for (int64_t at = 0; at < kTableSize; ++at)
        nodes[node].count[at / kLanes] += counts[(node - first + 1) * kTableSize + at];
  });
}

// Returns the number of counted keys of a group.
int64_t Total(const DigitNode& root) {
  int64_t total = 0;
  for (const int64_t count : root.count) total += count;
  return total - root.count[DigitOf(kNoKey, 0)];
}

// Follows each wanted rank one digit further, into new nodes unless that was the last digit.
void Descend(std::vector<DigitNode>& nodes, std::vector<Wanted>& wanted, bool last) {
  for (Wanted& want : wanted) {
    int digit = 0;
    for (; want.rank >= nodes[want.node].count[digit]; ++digit) want.rank -= nodes[want.node].count[digit];
    want.prefix = want.prefix << kDigitBits | static_cast<uint32_t>(digit);
    if (last) continue;
    if (nodes[want.node].next[digit] == 0) {
      nodes[want.node].next[digit] = static_cast<int32_t>(nodes.size());
      const int64_t group = nodes[want.node].group;
      nodes.emplace_back().group = group;
    }
    want.node = nodes[want.node].next[digit];
  }
}

double ValueOf(uint32_t key) {
  float value;
  std::memcpy(&value, &key, sizeof value);
  return value;
}

}  // namespace

namespace internal {

void CheckEqualMass(const ProbabilityMaps& maps, const CalibrationOptions& options,
                    std::span<const double> edges) {
  cpu::CheckMaps(maps);
  const int64_t bins = options.bins, groups = cpu::CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1 && bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ", bins);
  Require(std::ssize(edges) == groups * (bins + 1), "edges: expected ", groups * (bins + 1), ", got ",
          edges.size());
  Require(!std::isnan(options.threshold), "threshold: expected a number, got NaN");
  Require(maps.weights.empty(), "weights: not supported by bins of equal mass");
}

void SelectEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, const DigitCounter& count,
                 std::span<double> edges) {
  const int64_t bins = options.bins, groups = cpu::CalibrationGroups(options.score, maps.classes);
  std::vector<DigitNode> nodes(1 + groups);
  for (int64_t group = 0; group < groups; ++group) nodes[1 + group].group = group;
  count(nodes, 0, 1);
  std::vector<Wanted> wanted;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t total = Total(nodes[1 + group]);
    double* edge = edges.data() + group * (bins + 1);
    edge[0] = 0;
    edge[bins] = 1;
    for (int64_t bin = 1; bin < bins; ++bin) {
      // Computes floor(bin * total / bins) without overflow, as total may be large.
      const int64_t before = total / bins * bin + total % bins * bin / bins;
      const int64_t rank = options.closed == BinEdges::kRightClosed ? before - 1 : before;
      edge[bin] = rank < 0 ? 0 : 1;
      if (rank >= 0 && rank < total) wanted.push_back({edge + bin, static_cast<int32_t>(1 + group), rank, 0});
    }
  }
  for (int depth = 0; depth < kDigits && !wanted.empty(); ++depth) {
    const auto known = static_cast<int64_t>(nodes.size());
    Descend(nodes, wanted, depth == kDigits - 1);
    if (depth < kDigits - 1) count(nodes, depth + 1, known);
  }
  for (const Wanted& want : wanted) *want.edge = ValueOf(want.prefix);
}

}  // namespace internal

namespace cpu {

void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges) {
  internal::CheckEqualMass(maps, options, edges);
  const auto count = [&](std::vector<DigitNode>& nodes, int depth, int64_t first) {
    for (int64_t at = first; at < std::ssize(nodes); at += kNodesAtOnce)
      CountNodes(maps, options, nodes, depth, at, std::min<int64_t>(at + kNodesAtOnce, std::ssize(nodes)));
  };
  internal::SelectEdges(maps, options, count, edges);
}

}  // namespace cpu
}  // namespace pixelcal
