#include "base/parallel.h"

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

#include "check.h"

using pixelcal::ParallelFor;

TEST(ParallelForCallsEachChunkOnce) {
  for (const int threads : {1, 2, 3}) {
    pixelcal::SetThreadCount(threads);
    for (const int64_t count : {0, 1, 7, 64, 1000}) {
      for (const int64_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
        ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
          CHECK(begin % grain == 0 && end - begin <= grain && end <= count);
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        for (const auto& n : seen) CHECK(n == 1);
      }
    }
  }
}

TEST(ParallelForNestsAndServesSeveralCallers) {
  pixelcal::SetThreadCount(3);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        ParallelFor(8, 1, [&](int64_t, int64_t) {
          ParallelFor(10, 2, [&](int64_t begin, int64_t end) { sum += end - begin; });
        });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(sum == 4 * 50 * 8 * 10, sum);
}

TEST(ParallelForRethrows) {
  pixelcal::SetThreadCount(2);
  CHECK_THROWS(ParallelFor(100, 1,
                           [](int64_t begin, int64_t) {
                             if (begin == 50) throw std::runtime_error("chunk 50");
                           }),
               "chunk 50");
  CHECK_THROWS(pixelcal::SetThreadCount(0), "threads: expected");
}

// Two busy threads of a pool of two ask no worker for help, until one of them has ended.
TEST(ParallelForIsHelpedWhenABusyThreadEnds) {
  pixelcal::SetThreadCount(2);
  std::promise<void> ended, second;
  std::thread other;
  {
    const pixelcal::BusyScope busy;
    std::promise<void> both;
    other = std::thread([&] {
      const pixelcal::BusyScope busy_too;
      both.set_value();
      ended.get_future().wait();
    });
    both.get_future().wait();
    // Each of the two chunks is begun by a thread of its own, or the first waits in vain.
    ParallelFor(2, 1, [&](int64_t begin, int64_t) {
      if (begin == 1) return second.set_value();
      ended.set_value();
      const auto begun = second.get_future().wait_for(std::chrono::seconds(60));
      CHECK(begun == std::future_status::ready);
    });
  }
  other.join();
}
