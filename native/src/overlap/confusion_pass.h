#pragma once

// The confusion counts of a pass over codes of labels, block by block.

#include <cstdint>
#include <mutex>
#include <span>

namespace pixelcal::cpu {

class ConfusionPass {
 public:
  // Sets `counts` [batch, classes, classes] to 0; it must live as long as the pass.
  ConfusionPass(int64_t classes, std::span<double> counts);

  // The counts of a part of the pixels. A thread has one at a time.
  class Chunk {
   public:
    explicit Chunk(ConfusionPass& pass);
    // Adds pixels of one image; those whose true code is negative are left out.
    void Add(int64_t image, const int16_t* truth, const int16_t* guess, int64_t count);
    void End();

   private:
    ConfusionPass& pass_;
    int64_t image_ = -1;
    uint32_t* local_;
  };

 private:
  // The length of a table, whose last count is that of the pixels left out.
  int64_t Size() const { return classes_ * classes_ + 1; }

  const int64_t classes_;
  const std::span<double> counts_;
  std::mutex mutex_;
};

}  // namespace pixelcal::cpu
