#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace pixelcal {

// A pool of reusable memory for large results. The pages of a fresh array cost more than most kernels (a
// fault per 4 KB), so blocks return here instead of to the system, and whole 2 MB pages are requested where
// the system has them. `limit` bounds the bytes that are lent and kept together: to make room, the blocks
// unused for longest go to the system; if the lent blocks alone leave no room, Take refuses. While half the
// limit is lent and no block has been returned since, Take refuses seven of eight requests: a caller that
// drops blocks but never lets them return would only make the process grow. May be used from any thread; must
// outlive its blocks.
class PagePool {
 public:
  struct Usage {
    size_t lent = 0;
    size_t kept = 0;
  };

  explicit PagePool(size_t limit) : limit_(limit) {}
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // Returns at least `bytes` (> 0) at the start of a page, holding whatever an earlier user left there; the
  // block returns to the pool with the last copy of the pointer. Null beyond the limit and when the system
  // has no more memory.
  std::shared_ptr<std::byte> Take(size_t bytes);

  Usage usage() const;

 private:
  struct Block {
    std::byte* memory = nullptr;
    size_t size = 0;
  };

  std::byte* Find(size_t size);  // takes out a kept block, or null; under mutex_
  void Give(Block block) noexcept;
  Block Surplus();  // takes out the oldest block beyond the limit; without memory if there is none

  const size_t limit_;
  mutable std::mutex mutex_;
  Usage usage_;
  size_t unreturned_ = 0;  // bytes lent since the last return of a block
  size_t refusals_ = 0;
  std::vector<Block> kept_;  // in the order of their return
};

// Returns the pool of the process's results, which lives as long as the process.
PagePool& ResultPool();

// Requests 2 MB pages for the part of a fresh block that can have them.
void PreferHugePages(void* memory, size_t bytes);

}  // namespace pixelcal
