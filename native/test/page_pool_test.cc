#include "base/page_pool.h"

#include <cstdint>
#include <cstring>
#include <thread>

#include "check.h"

using pixelcal::PagePool;

namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

}  // namespace

TEST(PagePoolLendsApartAndUsesAgain) {
  PagePool pool(64 * kMegabyte);
  for (const size_t bytes :
       {size_t{1}, size_t{4096}, size_t{4097}, kMegabyte, 2 * kMegabyte, 5 * kMegabyte + 1}) {
    auto a = pool.Take(bytes), b = pool.Take(bytes);
    CHECK(a && b && a != b, bytes);
    CHECK(reinterpret_cast<uintptr_t>(a.get()) % 4096 == 0, bytes);
    CHECK(a.get() + bytes <= b.get() || b.get() + bytes <= a.get(), bytes);
    std::memset(a.get(), 1, bytes);
    std::memset(b.get(), 2, bytes);
    CHECK(a.get()[0] == std::byte{1} && a.get()[bytes - 1] == std::byte{1}, bytes);
    const void* const first = a.get();
    const auto copy = a;
    a.reset();
    CHECK(pool.Take(bytes).get() != first, "a copy is held: ", bytes);
    CHECK(copy.get()[0] == std::byte{1}, bytes);
  }
  const size_t kept = pool.usage().kept;
  CHECK(pool.usage().lent == 0 && kept > 0, kept);
  const void* last = nullptr;
  for (int i = 0; i < 100; ++i) {
    const auto block = pool.Take(kMegabyte);
    CHECK(!last || block.get() == last, i);
    last = block.get();
  }
  CHECK(pool.usage().kept == kept, pool.usage().kept);
}

TEST(PagePoolIsBounded) {
  PagePool pool(8 * kMegabyte);
  CHECK(!pool.Take(8 * kMegabyte + 1));
  CHECK(!pool.Take(SIZE_MAX));
  {
    const auto a = pool.Take(3 * kMegabyte);
    CHECK(a && !pool.Take(6 * kMegabyte));
    const auto b = pool.Take(5 * kMegabyte);
    CHECK(b && !pool.Take(1));
    CHECK(pool.usage().lent == 8 * kMegabyte, pool.usage().lent);
  }
  CHECK(pool.usage().lent == 0 && pool.usage().kept == 8 * kMegabyte, pool.usage().kept);
  // The block that was returned first, b, makes room.
  const auto c = pool.Take(2 * kMegabyte);
  CHECK(c && pool.usage().kept == 3 * kMegabyte, pool.usage().kept);
  CHECK(!pool.Take(8 * kMegabyte));
}

TEST(PagePoolWaitsForReturns) {
  PagePool pool(64 * kMegabyte);
  std::vector<std::shared_ptr<std::byte>> held;
  const auto lend = [&](int calls) {
    for (int i = 0; i < calls; ++i)
      if (auto block = pool.Take(kMegabyte)) held.push_back(block);
    return held.size();
  };
  CHECK(lend(32) == 32, held.size());
  CHECK(lend(16) == 34, "one of eight: ", held.size());
  held.pop_back();
  CHECK(lend(16) == 49, "after a return: ", held.size());
}

TEST(PagePoolForgetsWhatTheSystemRefused) {
  // One request exceeds the address space, the other half the limit.
  constexpr size_t kTooMuch = size_t{1} << 61;
  PagePool pool(2 * kTooMuch);
  CHECK(!pool.Take(kTooMuch));
  CHECK(pool.usage().lent == 0, pool.usage().lent);
  CHECK(pool.Take(kMegabyte));
}

TEST(PagePoolServesManyThreads) {
  PagePool pool(8 * kMegabyte);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const size_t bytes = 4096 * static_cast<size_t>(1 + (i + t) % 5);
        const auto block = pool.Take(bytes);
        std::memset(block.get(), t, bytes);
        std::this_thread::yield();
        for (size_t at = 0; at < bytes; at += 1024) wrong[t] += block.get()[at] != static_cast<std::byte>(t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0, count);
  CHECK(pool.usage().lent == 0);
}
