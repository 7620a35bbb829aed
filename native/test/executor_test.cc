#include "base/executor.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "base/background.h"
#include "base/parallel.h"
#include "check.h"

using pixelcal::CancelScope;
using pixelcal::Executor;

namespace {

// A call that notes when it ran, and waits for a gate if it has one.
class Noted : public Executor::Call {
 public:
  Noted(const void* owner, int64_t cost, int name, std::vector<int>& order, std::mutex& mutex)
      : Call(owner, cost), name_(name), order_(order), mutex_(mutex) {}

  void WaitFor(std::shared_future<void> gate) { gate_ = std::move(gate); }
  void Wait() { finished_.get_future().wait(); }
  bool began() const { return began_; }

 private:
  void Run() override {
    began_ = true;
    if (gate_.valid()) gate_.wait();
    std::lock_guard lock(mutex_);
    order_.push_back(name_);
  }
  void Finish() override { finished_.set_value(); }

  int name_;
  std::vector<int>& order_;
  std::mutex& mutex_;
  std::shared_future<void> gate_;
  std::promise<void> finished_;
  std::atomic<bool> began_{false};
};

// Calls in the order in which an executor of one thread runs them while the first keeps it busy.
struct Scene {
  explicit Scene(Executor& executor) : executor(executor), opened(gate.get_future()) {
    Add(1).WaitFor(opened);
    executor.Submit(*calls.back());
    while (!calls.back()->began()) std::this_thread::yield();
  }
  Noted& Add(int64_t cost, const void* owner = nullptr) {
    calls.push_back(std::make_unique<Noted>(owner, cost, static_cast<int>(calls.size()), order, mutex));
    return *calls.back();
  }
  std::vector<int> Finished() {
    gate.set_value();
    for (auto& call : calls) call->Wait();
    return order;
  }

  Executor& executor;
  std::promise<void> gate;
  std::shared_future<void> opened;
  std::vector<std::unique_ptr<Noted>> calls;
  std::vector<int> order;
  std::mutex mutex;
};

}  // namespace

TEST(ExecutorRunsSmallCallsFirst) {
  Executor executor(1);
  Scene scene(executor);
  for (const int64_t cost : {500, 20, 100, 20, 3}) executor.Submit(scene.Add(cost));
  CHECK(executor.state().waiting == 5 && executor.state().running == 1);
  CHECK((scene.Finished() == std::vector<int>{0, 5, 2, 4, 3, 1}));
  CHECK(executor.state().waiting == 0);
}

TEST(ExecutorLetsNoLargeCallStarve) {
  // Every small call submits the next one while it runs, so that one is always waiting beside the large call.
  struct Small : Executor::Call {
    Small(Executor& executor, const std::atomic<bool>& go, const std::atomic<bool>& large_ran)
        : Call(nullptr, 1), executor(executor), go(go), large_ran(large_ran) {}
    void Run() override {
      while (!go) std::this_thread::yield();
      if (large_ran) return;
      next = std::make_unique<Small>(executor, go, large_ran);
      executor.Submit(*next);
    }
    void Finish() override { finished.set_value(); }
    Executor& executor;
    const std::atomic<bool>&go, &large_ran;
    std::unique_ptr<Small> next;
    std::promise<void> finished;
  };
  constexpr int64_t kCost = 100;
  struct Large : Executor::Call {
    explicit Large(std::atomic<bool>& ran) : Call(nullptr, kCost), ran(ran) {}
    void Run() override { ran = true; }
    void Finish() override { finished.set_value(); }
    std::atomic<bool>& ran;
    std::promise<void> finished;
  };
  Executor executor(1);
  std::atomic<bool> go{false}, ran{false};
  Small first(executor, go, ran);
  Large large(ran);
  executor.Submit(first);
  executor.Submit(large);
  go = true;
  large.finished.get_future().wait();
  int64_t small = 0;
  for (Small* link = &first; link != nullptr; link = link->next.get()) {
    link->finished.get_future().wait();
    ++small;
  }
  CHECK(small > kCost / 2 && small <= kCost + 2, small);
}

TEST(ExecutorRunsAsManyAtOnceAsItMay) {
  Executor executor(1);
  Scene scene(executor);
  Noted& second = scene.Add(1);
  executor.Submit(second);
  CHECK(executor.state().running == 1 && executor.state().waiting == 1);
  executor.set_concurrency(3);
  second.Wait();
  CHECK(executor.state().concurrency == 3);
  scene.gate.set_value();
  scene.calls.front()->Wait();
}

TEST(ExecutorGivesWaitingCallsBack) {
  Executor executor(1);
  Scene scene(executor);
  int owner = 0;
  Noted &mine = scene.Add(1, &owner), &withdrawn = scene.Add(1), &last = scene.Add(1);
  for (Noted* call : {&mine, &withdrawn, &last}) executor.Submit(*call);
  CHECK(executor.Withdraw(withdrawn) && !executor.Withdraw(withdrawn));
  CHECK(!executor.Withdraw(*scene.calls.front()));
  CHECK((executor.Abandon(&owner) == std::vector<Executor::Call*>{&mine}));
  scene.gate.set_value();
  last.Wait();
  CHECK((scene.order == std::vector<int>{0, 3}));
}

namespace {

// A call whose kernel would run for ever.
struct Endless : Executor::Call {
  explicit Endless(const void* owner) : Call(owner, 1) {}
  void Run() override {
    const CancelScope scope(&cancel_flag());
    try {
      for (;;) {
        pixelcal::ParallelFor(1000, 1, [&](int64_t, int64_t) {
          // Nested loops see the flag as well, on whichever thread they run.
          pixelcal::ParallelFor(4, 1, [&](int64_t, int64_t) { ++chunks; });
        });
      }
    } catch (const pixelcal::Cancelled&) {
      cancelled = true;
    }
  }
  void Finish() override { finished = true; }
  std::atomic<int64_t> chunks{0};
  std::atomic<bool> cancelled{false}, finished{false};
};

}  // namespace

TEST(ExecutorCancelsWhatAnOwnerAbandons) {
  for (const int threads : {1, 3}) {
    pixelcal::SetThreadCount(threads);
    Executor executor(2);
    int owner = 0, other = 0;
    Endless call(&owner), stays(&other);
    executor.Submit(call);
    executor.Submit(stays);
    while (call.chunks == 0 || stays.chunks == 0) std::this_thread::yield();
    CHECK(executor.Abandon(&owner).empty());
    CHECK(call.cancelled && call.finished && !stays.finished);
    executor.Stop();
    CHECK(stays.cancelled && stays.finished);
  }
}

TEST(CancelledLoopsRunNoFurtherChunk) {
  for (const int threads : {1, 2}) {
    pixelcal::SetThreadCount(threads);
    pixelcal::CancelFlag flag{false};
    const CancelScope scope(&flag);
    std::atomic<int> ran{0};
    const auto body = [&](int64_t, int64_t) {
      ++ran;
      flag = true;
    };
    bool thrown = false;
    try {
      pixelcal::ParallelFor(1000, 1, body);
    } catch (const pixelcal::Cancelled&) {
      thrown = true;
    }
    CHECK(thrown && ran >= 1 && ran <= threads, ran);
    {
      const CancelScope none(nullptr);
      ran = 0;
      pixelcal::ParallelFor(10, 1, body);
      CHECK(ran == 10);
    }
    CHECK(pixelcal::CurrentCancelFlag() == &flag);
  }
}

#if defined(__linux__)
namespace {

// A call that asks for the nice values of the executor's thread and of a thread of the pool.
class Nice : public Executor::Call {
 public:
  Nice() : Call(nullptr, 1) {}
  int own = 0, lowest = 0;
  std::promise<void> done;

 private:
  void Run() override {
    own = getpriority(PRIO_PROCESS, 0);
    std::atomic<int> least{own};
    // Both chunks wait for each other, so that the second is on a thread of the pool.
    std::atomic<int> begun{0};
    pixelcal::ParallelFor(2, 1, [&](int64_t, int64_t) {
      for (++begun; begun < 2;) std::this_thread::yield();
      least = std::min(least.load(), getpriority(PRIO_PROCESS, 0));
    });
    lowest = least;
  }
  void Finish() override { done.set_value(); }
};

}  // namespace

TEST(KernelsGiveWayToTheThreadsOfTheProcess) {
  pixelcal::SetThreadCount(2);
  const int process = getpriority(PRIO_PROCESS, static_cast<id_t>(getpid()));
  const int expected = std::min(process + pixelcal::kBackgroundNice, 19);
  for (int round = 0; round < 2; ++round) {
    // The threads of the second executor are started by threads that are in the background already.
    Executor executor(1);
    Nice call;
    executor.Submit(call);
    call.done.get_future().wait();
    CHECK(call.own == expected, call.own, expected);
    CHECK(call.lowest == expected, call.lowest, expected);
  }
}
#endif
