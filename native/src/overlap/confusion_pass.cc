#include "overlap/confusion_pass.h"

#include <algorithm>

#include "base/scratch.h"
#include "overlap/confusion_loops.h"

namespace pixelcal::cpu {

ConfusionPass::ConfusionPass(int64_t classes, std::span<double> counts) : classes_(classes), counts_(counts) {
  std::fill(counts.begin(), counts.end(), 0.0);
}

ConfusionPass::Chunk::Chunk(ConfusionPass& pass)
    : pass_(pass),
      local_(
          Scratch<uint32_t, struct LocalCounts>(static_cast<size_t>(simd::kConfusionTables * pass.Size()))) {}

void ConfusionPass::Chunk::Add(int64_t image, const int16_t* truth, const int16_t* guess, int64_t count) {
  if (image != image_) {
    End();
    std::fill_n(local_, simd::kConfusionTables * pass_.Size(), 0u);
    image_ = image;
  }
  ConfusionLoops().count(truth, guess, static_cast<size_t>(count), pass_.classes_, local_);
}

void ConfusionPass::Chunk::End() {
  if (image_ < 0) return;
  const int64_t size = pass_.Size(), cells = size - 1;
  const std::lock_guard lock(pass_.mutex_);
  for (int64_t cell = 0; cell < cells; ++cell)
    for (int table = 0; table < simd::kConfusionTables; ++table)
      pass_.counts_[static_cast<size_t>(image_ * cells + cell)] += local_[table * size + cell];
  image_ = -1;
}

}  // namespace pixelcal::cpu
