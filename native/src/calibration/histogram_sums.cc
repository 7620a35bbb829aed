// The end of a pass: the sums of joint bins become those of every histogram, and chunks are added in their
// order.
#include <algorithm>

#include "calibration/histogram_pass.h"

namespace pixelcal::cpu {
namespace {

double Value(double sum) { return sum; }
double Value(int64_t count) { return static_cast<double>(count); }
double Value(const FixedTotal& sum) { return sum.Value(); }

}  // namespace

std::vector<HistogramPass::Weighted> HistogramPass::Added(const std::vector<Weighted>& chunks,
                                                          int64_t slots) {
  std::vector<Weighted> totals(static_cast<size_t>(slots));
  for (size_t at = 0; at < chunks.size(); ++at) totals[at % totals.size()].Add(chunks[at]);
  return totals;
}

// Returns the sums of the slots of every group: those of all joint slots within each.
std::vector<HistogramPass::Exact> HistogramPass::OfGroups() {
  std::vector<Exact> sums(static_cast<size_t>(slots_));
  ForJoints([&](const Joint& joint) {
    const Exact* from = exact_.data() + joint.first_slot;
    for (size_t number = 0; number < joint.members.size(); ++number) {
      const Member& member = joint.members[number];
      Exact* to = sums.data() + groups_[member.group].first_slot;
      if (joint.members.size() == 1 && member.misses && member.hits) {
        std::copy_n(from, 2 * (joint.limits.bins + 1), to);
        continue;
      }
      for (int32_t at = 0; at <= joint.limits.bins; ++at) {
        const int32_t below = joint.table.Below(static_cast<int64_t>(number), at);
        if (below >= 0 && member.misses) to[2 * below].Add(from[2 * at]);
        if (below >= 0 && member.hits) to[2 * below + 1].Add(from[2 * at + 1]);
      }
    }
  });
  return sums;
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

void HistogramPass::Write(std::span<const CalibrationSums> sums) {
  if (IsWeighted())
    WriteBins(Added(weighted_, slots_), sums);
  else
    WriteBins(OfGroups(), sums);
  WriteSquares(sums);
}

}  // namespace pixelcal::cpu
