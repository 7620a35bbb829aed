// Bin edges from order statistics, by counting instead of sorting: the bits of floats in [0, 1] rise with
// them and fit three digits of 10 bits. A pass counts the first digits; the counts say which first digit each
// wanted rank has, the next pass counts second digits behind those, and so on (most significant digit radix
// selection, Knuth, The Art of Computer Programming 3, 5.2.5). O(3 pixels x groups) time; memory for a table
// of 1024 counters per wanted prefix, 512 of them at once.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "error.h"
#include "kernels/calibration.h"
#include "kernels/probability_block.h"
#include "kernels/score_rows.h"
#include "parallel.h"
#include "scratch.h"

namespace pixelcal::cpu {
namespace {

constexpr int kDigitBits = 10, kDigits = 3, kDigitValues = 1 << kDigitBits;
constexpr int64_t kNodesAtOnce = 512;
constexpr int64_t kLeastBlocks = 64;

int DigitOf(uint32_t key, int depth) {
  return key >> ((kDigits - 1 - depth) * kDigitBits) & (kDigitValues - 1);
}

// A prefix of keys: counts of the next digit, and the nodes behind those that are of interest.
struct Node {
  std::array<int64_t, kDigitValues> count{};
  std::array<int32_t, kDigitValues> next;
  Node() { next.fill(-1); }
};

// A wanted edge: the node its value was followed to, and its rank among that node's keys.
struct Wanted {
  double* edge;
  int32_t node;
  int64_t rank;
  uint32_t prefix;
};

class Selection {
 public:
  Selection(const ProbabilityMaps& maps, const CalibrationOptions& options)
      : maps_(maps), options_(options), nodes_(CalibrationGroups(options.score, maps.classes)) {}

  // Adds the counts of nodes [first, last), which are `depth` digits deep, all groups' roots being 0.
  void Count(int depth, int64_t first, int64_t last) {
    std::mutex mutex;
    ForChunks(maps_, kLeastBlocks, [&](int64_t, BlockReader& reader) {
      uint32_t* counts = Scratch<uint32_t, 0>((last - first) * kDigitValues);
      std::fill_n(counts, (last - first) * kDigitValues, 0u);
      while (const ProbabilityBlock* block = reader.Next())
        ForRows(*block, maps_.classes, {&options_, 1}, [&](const ScoreRow& row) {
          for (int64_t i = 0; i < block->count; ++i) {
            if (row.codes[i] < 0 || !(row.p[i] > options_.threshold)) continue;
            const uint32_t key = KeyOf(row.p[i]);
            auto node = static_cast<int32_t>(row.group);
            for (int digit = 0; digit < depth && node >= 0; ++digit)
              node = nodes_[node].next[DigitOf(key, digit)];
            if (node >= first && node < last) ++counts[(node - first) * kDigitValues + DigitOf(key, depth)];
          }
        });
      const std::lock_guard lock(mutex);
      for (int64_t node = first; node < last; ++node)
        for (int digit = 0; digit < kDigitValues; ++digit)
          nodes_[node].count[digit] += counts[(node - first) * kDigitValues + digit];
    });
  }

  // Counts everything `depth` digits deep from node `first` on.
  void CountAll(int depth, int64_t first) {
    for (int64_t at = first; at < std::ssize(nodes_); at += kNodesAtOnce)
      Count(depth, at, std::min<int64_t>(at + kNodesAtOnce, std::ssize(nodes_)));
  }

  int64_t Total(int64_t group) const {
    int64_t total = 0;
    for (const int64_t count : nodes_[group].count) total += count;
    return total;
  }

  // Follows each wanted rank one digit further, into new nodes unless that was the last digit.
  void Descend(std::vector<Wanted>& wanted, bool last) {
    for (Wanted& want : wanted) {
      int digit = 0;
      for (; want.rank >= nodes_[want.node].count[digit]; ++digit)
        want.rank -= nodes_[want.node].count[digit];
      want.prefix = want.prefix << kDigitBits | static_cast<uint32_t>(digit);
      if (last) continue;
      if (nodes_[want.node].next[digit] < 0) {
        nodes_[want.node].next[digit] = static_cast<int32_t>(nodes_.size());
        nodes_.emplace_back();
      }
      want.node = nodes_[want.node].next[digit];
    }
  }

  int64_t Nodes() const { return std::ssize(nodes_); }

 private:
  static uint32_t KeyOf(float p) {
    uint32_t bits;
    std::memcpy(&bits, &p, sizeof bits);
    return bits & 0x7fffffff;  // -0 is 0
  }

  const ProbabilityMaps& maps_;
  const CalibrationOptions& options_;
  std::vector<Node> nodes_;
};

double ValueOf(uint32_t key) {
  float value;
  std::memcpy(&value, &key, sizeof value);
  return value;
}

}  // namespace

void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges) {
  CheckMaps(maps);
  const int64_t bins = options.bins, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1 && bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ", bins);
  Require(std::ssize(edges) == groups * (bins + 1), "edges: expected ", groups * (bins + 1), ", got ",
          edges.size());
  Require(maps.weights.empty(), "weights: expected none for bins of equal mass");
  Selection selection(maps, options);
  selection.CountAll(0, 0);
  std::vector<Wanted> wanted;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t count = selection.Total(group);
    double* edge = edges.data() + group * (bins + 1);
    edge[0] = 0;
    edge[bins] = 1;
    for (int64_t bin = 1; bin < bins; ++bin) {
      // Without overflow, as count may be large: floor(bin * count / bins).
      const int64_t before = count / bins * bin + count % bins * bin / bins;
      const int64_t rank = options.closed == BinEdges::kRightClosed ? before - 1 : before;
      edge[bin] = rank < 0 ? 0 : 1;
      if (rank >= 0 && rank < count) wanted.push_back({edge + bin, static_cast<int32_t>(group), rank, 0});
    }
  }
  for (int depth = 0; depth < kDigits && !wanted.empty(); ++depth) {
    const int64_t known = selection.Nodes();
    selection.Descend(wanted, depth == kDigits - 1);
    selection.CountAll(depth + 1, known);
  }
  for (const Wanted& want : wanted) *want.edge = ValueOf(want.prefix);
}

}  // namespace pixelcal::cpu
