#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace pixelcal {

// Memory for large results that is used again. The pages of a fresh array cost more than most kernels (a
// fault per 4 KB), so that blocks come back here instead of going to the system, and whole 2 MB pages are
// asked for where the system has them. What is lent and what is kept for the next call are together bounded
// by `limit` bytes: to make room, blocks unused for longest go to the system, and where lent ones alone leave
// none, Take refuses. It also refuses seven times of eight while half the limit has been lent and nothing
// come back since: whoever drops blocks but does not get to return them would only make the process grow. May
// be used from any thread; must outlive its blocks.
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

  // At least `bytes` (> 0) at the start of a page, with whatever an earlier user left there; they go back
  // when the last copy of the pointer does. Null beyond the limit and where the system has no more.
  std::shared_ptr<std::byte> Take(size_t bytes);

  Usage usage() const;

 private:
  struct Block {
    std::byte* memory = nullptr;
    size_t size = 0;
  };

  std::byte* Find(size_t size);  // a kept block taken out, or null; under mutex_
  void Give(Block block) noexcept;
  Block Surplus();  // the oldest block beyond the limit, taken out; no memory when there is none

  const size_t limit_;
  mutable std::mutex mutex_;
  Usage usage_;
  size_t unreturned_ = 0;  // bytes lent since a block last came back
  size_t refusals_ = 0;
  std::vector<Block> kept_;  // in the order they came back
};

// The pool of the process's results, which lives as long as the process.
PagePool& ResultPool();

// Asks for 2 MB pages for the part of a fresh block that can have them.
void PreferHugePages(void* memory, size_t bytes);

}  // namespace pixelcal
