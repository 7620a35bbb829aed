// Bin edges from order statistics, by counting instead of sorting: the bits of floats in [0, 1] rise with
// them and fit three digits of 10 bits. A pass counts the first digits; the counts say which first digit each
// wanted rank has, the next pass counts second digits behind those, and so on (most significant digit radix
// selection, Knuth, The Art of Computer Programming 3, 5.2.5). O(3 pixels x groups) time; memory for a table
// of 1024 x 4 counters per wanted prefix, 256 of them at once.
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
constexpr int64_t kLanes = 4;  // counters per digit value, for neighbouring pixels
constexpr int64_t kTableSize = kDigitValues * kLanes;
constexpr int64_t kNodesAtOnce = 256;
constexpr int64_t kLeastBlocks = 64;

// The key of what does not count: its first digit is no float's of [0, 1].
constexpr uint32_t kNoKey = (uint32_t{1} << kDigitBits * kDigits) - 1;

uint32_t DigitOf(uint32_t key, int depth) {
  return key >> ((kDigits - 1 - depth) * kDigitBits) & (kDigitValues - 1);
}

// A node stands for the keys of one prefix: how many have which next digit, and the nodes behind those digits
// that are of interest. Behind all others is node 0, and behind that itself.
struct Node {
  std::array<int64_t, kDigitValues> count{};
  std::array<int32_t, kDigitValues> next{};
};

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

class Selection {
 public:
  Selection(const ProbabilityMaps& maps, const CalibrationOptions& options)
      : maps_(maps), options_(options), nodes_(1 + CalibrationGroups(options.score, maps.classes)) {}

  // Adds the counts of nodes [first, last), which are `depth` digits deep; group g's first is 1 + g.
  void Count(int depth, int64_t first, int64_t last) {
    std::mutex mutex;
    const int64_t tables = last - first + 1;  // table 0 is for keys behind other nodes
    const Node* nodes = nodes_.data();
    ForChunks(maps_, kLeastBlocks, [&](int64_t, BlockReader& reader) {
      uint32_t* counts = Scratch<uint32_t, 0>(tables * kTableSize);
      std::fill_n(counts, tables * kTableSize, 0u);
      std::array<uint32_t, kBlockPixels> keys;
      while (const ProbabilityBlock* block = reader.Next())
        ForRows(*block, maps_.classes, {&options_, 1}, [&](const ScoreRow& row) {
          ReadKeys(row.p, row.codes, options_.threshold, block->count, keys.data());
          for (int64_t i = 0; i < block->count; ++i) {
            int64_t node = 1 + row.group;
            for (int digit = 0; digit < depth; ++digit) node = nodes[node].next[DigitOf(keys[i], digit)];
            const int64_t table = node >= first && node < last ? node - first + 1 : 0;
            ++counts[table * kTableSize + DigitOf(keys[i], depth) * kLanes + i % kLanes];
          }
        });
      const std::lock_guard lock(mutex);
      for (int64_t node = first; node < last; ++node)
        for (int64_t at = 0; at < kTableSize; ++at)
          nodes_[node].count[at / kLanes] += counts[(node - first + 1) * kTableSize + at];
    });
  }

  // Counts everything `depth` digits deep from node `first` on.
  void CountAll(int depth, int64_t first) {
    for (int64_t at = first; at < std::ssize(nodes_); at += kNodesAtOnce)
      Count(depth, at, std::min<int64_t>(at + kNodesAtOnce, std::ssize(nodes_)));
  }

  int64_t Total(int64_t group) const {
    int64_t total = 0;
    for (const int64_t count : nodes_[1 + group].count) total += count;
    return total - nodes_[1 + group].count[DigitOf(kNoKey, 0)];
  }

  // Follows each wanted rank one digit further, into new nodes unless that was the last digit.
  void Descend(std::vector<Wanted>& wanted, bool last) {
    for (Wanted& want : wanted) {
      int digit = 0;
      for (; want.rank >= nodes_[want.node].count[digit]; ++digit)
        want.rank -= nodes_[want.node].count[digit];
      want.prefix = want.prefix << kDigitBits | static_cast<uint32_t>(digit);
      if (last) continue;
      if (nodes_[want.node].next[digit] == 0) {
        nodes_[want.node].next[digit] = static_cast<int32_t>(nodes_.size());
        nodes_.emplace_back();
      }
      want.node = nodes_[want.node].next[digit];
    }
  }

  int64_t Nodes() const { return std::ssize(nodes_); }

 private:
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
  selection.CountAll(0, 1);
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
      if (rank >= 0 && rank < count) wanted.push_back({edge + bin, static_cast<int32_t>(1 + group), rank, 0});
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
