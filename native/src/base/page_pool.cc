#include "base/page_pool.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pixelcal {
namespace {

constexpr size_t kPage = 4096;

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Blocks have eight sizes between a power of two and the next: a returned block serves results of nearly its
// size, and at most an eighth is wasted.
size_t BlockSize(size_t bytes) { return RoundUp(bytes, std::max(kPage, std::bit_floor(bytes) / 8)); }

#if defined(__linux__)
constexpr size_t kHugePage = size_t{2} << 20;

std::byte* Map(size_t size) {
  const size_t alignment = size >= kHugePage ? kHugePage : kPage, mapped = size + alignment - kPage;
  void* const memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(memory);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin), alignment) - reinterpret_cast<uintptr_t>(begin);
  const size_t after = mapped - before - size;
  if (before > 0) munmap(begin, before);
  if (after > 0) munmap(begin + before + size, after);
  PreferHugePages(begin + before, size);
  return begin + before;
}

void Unmap(std::byte* memory, size_t size) { munmap(memory, size); }
#else
std::byte* Map(size_t size) {
  return static_cast<std::byte*>(::operator new (size, std::align_val_t{kPage}, std::nothrow));
}

void Unmap(std::byte* memory, size_t) { ::operator delete (memory, std::align_val_t{kPage}); }
#endif

}  // namespace

void PreferHugePages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const size_t begin = RoundUp(address, kHugePage), end = (address + bytes) / kHugePage * kHugePage;
  // Only advice: a kernel without such pages refuses it and nothing is lost.
  if (begin < end) madvise(static_cast<std::byte*>(memory) + (begin - address), end - begin, MADV_HUGEPAGE);
#endif
}

PagePool::~PagePool() {
  for (const Block& block : kept_) Unmap(block.memory, block.size);
}

std::shared_ptr<std::byte> PagePool::Take(size_t bytes) {
  if (bytes > limit_) return nullptr;
  const size_t size = BlockSize(bytes);
  std::byte* memory = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (size > limit_ - usage_.lent) return nullptr;
    if (unreturned_ >= limit_ / 2 && ++refusals_ % 8 != 0) return nullptr;
    memory = Find(size);
    usage_.lent += size;
    unreturned_ += size;
  }
  for (Block old = Surplus(); old.memory; old = Surplus()) Unmap(old.memory, old.size);
  if (!memory) memory = Map(size);
  if (!memory) {
    const std::lock_guard lock(mutex_);
    usage_.lent -= size;
    unreturned_ -= std::min(unreturned_, size);  // a block may have been returned meanwhile
    return nullptr;
  }
  return {memory, [this, size](std::byte* returned) { Give({returned, size}); }};
}

// Returns the latest block of this size, which is the most likely to be in a cache.
std::byte* PagePool::Find(size_t size) {
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), [&](Block b) { return b.size == size; });
  if (found == kept_.rend()) return nullptr;
  std::byte* const memory = found->memory;
  kept_.erase(std::next(found).base());
  usage_.kept -= size;
  return memory;
}

PagePool::Block PagePool::Surplus() {
  const std::lock_guard lock(mutex_);
  if (kept_.empty() || usage_.lent + usage_.kept <= limit_) return {};
  const Block oldest = kept_.front();
  kept_.erase(kept_.begin());
  usage_.kept -= oldest.size;
  return oldest;
}

void PagePool::Give(Block block) noexcept {
  const std::lock_guard lock(mutex_);
  usage_.lent -= block.size;
  unreturned_ = 0;
  try {
    kept_.push_back(block);
    usage_.kept += block.size;
  } catch (const std::bad_alloc&) {
    Unmap(block.memory, block.size);
  }
}

PagePool::Usage PagePool::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

PagePool& ResultPool() {
  // The pool is never destroyed: arrays of ending environments return their blocks after static destructors
  // have run.
  static PagePool* const pool = new PagePool(size_t{256} << 20);
  return *pool;
}

}  // namespace pixelcal
