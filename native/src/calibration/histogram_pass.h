#pragma once

// The histograms of a pass over probabilities, block by block, for the kernels that bin beside other work.

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "calibration/bin_limits.h"
#include "calibration/calibration.h"
#include "calibration/exact_sum.h"
#include "calibration/histogram_loops.h"
#include "calibration/probability_block.h"
#include "calibration/score_rows.h"

namespace pixelcal::cpu {

class HistogramPass {
  struct Joint;

 public:
  // The least number of blocks per chunk, after which a cell could be full. The order of weighted sums and of
  // squares depends on it.
  static constexpr int64_t kLeastBlocks = simd::kCellPixels / kBlockPixels;
  static_assert(kLeastBlocks >= 1);

  // Both arguments must live as long as the pass.
  HistogramPass(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options);

  // The sums of one chunk of ForChunks(maps, kLeastBlocks, ...). A thread has one at a time.
  class Chunk {
   public:
    Chunk(HistogramPass& pass, int64_t chunk);
    ~Chunk();
    Chunk(const Chunk&) = delete;
    Chunk& operator=(const Chunk&) = delete;
    // Adds a block. With `winners`, room.winner is written, and the result tells whether a value is NaN.
    bool Add(const ProbabilityBlock& block, RowRoom& room, bool winners);
    void End();

   private:
    void AddRow(const ProbabilityBlock& block, const ScoreRow& row);
    void AddJoints(const ProbabilityBlock& block, const ScoreRow& row, const std::vector<Joint>& joints,
                   bool all);
    void AddWeighted(const ProbabilityBlock& block, const ScoreRow& row, const simd::BinLimits& limits,
                     const float* weights, double* slots);
    void Flush();

    HistogramPass& pass_;
    const int64_t chunk_;
    int64_t blocks_ = 0;
    bool ended_ = false;
    uint64_t* exact_;         // 0 in every cell between two chunks, as Flush leaves them
    simd::UsualBins* usual_;  // of every joint
    int64_t* least_;          // the first slot of every joint, but its last, that may not be 0
    double *weighted_, *squares_;
  };

  // Writes the sums of all chunks that have ended.
  void Write(std::span<const CalibrationSums> sums);

 private:
  // A group of a histogram.
  struct Group {
    size_t histogram;
    int64_t group;
    simd::BinLimits limits;
    int64_t first_slot;
    int64_t first_square;  // the first of its slots of squares; -1 where none are wanted
  };
  // An unweighted group, and which pixels of a row count for it.
  struct Member {
    size_t group;
    bool misses = true, hits = true;
  };
  // Members of one row whose limits are joint.
  struct Joint {
    JointTable table;
    simd::BinLimits limits;
    std::vector<Member> members;
    int64_t first_slot;
    size_t number;
  };
  // The groups that are made of a row, the joints of all its pixels, and of those whose label is not 0.
  struct Uses {
    std::vector<size_t> groups;
    std::vector<Joint> joints, of_objects;
  };
  // The count and sum of p of a slot.
  struct Exact {
    int64_t count = 0;
    FixedTotal confidence;
    void Add(const Exact& other);
  };
  struct Weighted {
    double count = 0, confidence = 0;
    void Add(const Weighted& other);
  };

  void AddGroup(size_t at);
  static void Join(const simd::BinLimits& limits, const Member& member, std::vector<Joint>& joints);
  template <class Body>
  void ForJoints(const Body& body) {
    for (auto& of_score : uses_)
      for (Uses& uses : of_score)
        for (auto* joints : {&uses.joints, &uses.of_objects})
          for (Joint& joint : *joints) body(joint);
  }
  static void AddCells(const uint64_t* cells, Exact& sum);
  const Uses& UsesOf(const ScoreRow& row) const {
    return uses_[static_cast<size_t>(row.score)][static_cast<size_t>(row.group)];
  }
  std::vector<Exact> OfGroups();
  bool IsWeighted() const { return !maps_.weights.empty(); }
  static std::vector<Weighted> Added(const std::vector<Weighted>& chunks, int64_t slots);
  template <class Sum>
  void WriteBins(const std::vector<Sum>& slots, std::span<const CalibrationSums> sums) const;
  void WriteSquares(std::span<const CalibrationSums> sums) const;

  const ProbabilityMaps& maps_;
  std::span<const CalibrationOptions> options_;
  std::vector<BinTable> tables_;
  std::vector<Group> groups_;
  std::array<std::vector<Uses>, kScores> uses_;
  std::vector<simd::UsualBins> usual_;                      // at first, of every joint
  std::vector<int64_t> first_slots_;                        // of every joint, and behind the last
  int64_t slots_ = 0, joint_slots_ = 0, square_slots_ = 0;  // slots_: of all groups

  std::mutex mutex_;
  std::vector<Exact> exact_;  // of the joint slots
  // Per chunk and slot, where they are wanted: they are added in the order of the chunks.
  std::vector<Weighted> weighted_, squares_;
};

}  // namespace pixelcal::cpu
