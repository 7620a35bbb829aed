#include "base/executor.h"

#include <algorithm>
#include <system_error>

#include "base/background.h"
#include "base/parallel.h"

namespace pixelcal {
namespace {

// Every call uses all threads of the kernels' pool. Two at once keep these busy while one of the calls is in
// a serial stretch, and a small call need not wait for the end of a large one; more would only share the
// caches.
constexpr int kConcurrency = 2;

// Keeps sums of costs exact.
constexpr int64_t kMostCost = int64_t{1} << 48;

}  // namespace

Executor::Call::Call(const void* owner, int64_t cost)
    : owner_(owner), cost_(std::clamp<int64_t>(cost, 1, kMostCost)) {}

void Executor::Call::RunNow() {
  submitted_ = started_ = Clock::now();
  Run();
  ended_ = Clock::now();
}

Executor::Executor(int concurrency) : concurrency_(concurrency) {}

Executor::~Executor() {
  Stop();
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::CanStart() const {
  return !waiting_.empty() && static_cast<int>(running_.size()) < concurrency_;
}

// Sees to it that every call that could run finds a thread, one more call than wait now included if `more`.
// If the system refuses a thread, the existing ones do the work.
void Executor::StartThreads(size_t more) {
  const size_t wanted = std::min(static_cast<size_t>(concurrency_), running_.size() + waiting_.size() + more);
  try {
    while (threads_.size() < wanted) threads_.emplace_back([this] { Serve(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;
  }
}

void Executor::Submit(Call& call) {
  {
    std::lock_guard lock(mutex_);
    StartThreads(1);
    call.key_ = started_work_ + call.cost_;
    call.number_ = ++submitted_calls_;
    call.submitted_ = Clock::now();
    waiting_.insert(&call);
    if (!CanStart()) return;
  }
  wake_.notify_one();
}

bool Executor::Withdraw(Call& call) {
  std::lock_guard lock(mutex_);
  const auto found = waiting_.find(&call);
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  call.started_ = call.ended_ = Clock::now();
  return true;
}

std::vector<Executor::Call*> Executor::Abandon(const void* owner) {
  std::vector<Call*> taken;
  std::unique_lock lock(mutex_);
  std::erase_if(waiting_, [&](Call* call) {
    if (call->owner_ != owner) return false;
    taken.push_back(call);
    return true;
  });
  const auto owned = [&](const Running* running) { return running->owner == owner; };
  for (Running* running : running_)
    if (owned(running) && running->call != nullptr) running->call->cancel_flag_ = true;
  handed_back_.wait(lock, [&] { return std::none_of(running_.begin(), running_.end(), owned); });
  return taken;
}

void Executor::Stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
  for (Running* running : running_)
    if (running->call != nullptr) running->call->cancel_flag_ = true;
  handed_back_.wait(lock, [&] { return running_.empty(); });
}

void Executor::set_concurrency(int concurrency) {
  std::lock_guard lock(mutex_);
  concurrency_ = concurrency;
  StartThreads(0);
  wake_.notify_all();
}

Executor::State Executor::state() const {
  std::lock_guard lock(mutex_);
  const auto running = std::count_if(running_.begin(), running_.end(),
                                     [](const Running* each) { return each->call != nullptr; });
  return {static_cast<int64_t>(waiting_.size()), running, concurrency_};
}

void Executor::Serve() {
  RunInBackground();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopped_ || CanStart(); });
    if (stopped_) return;
    Call* const call = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    started_work_ += call->cost_;
    call->started_ = Clock::now();
    Running running{call->owner_, call};
    running_.push_back(&running);
    lock.unlock();
    {
      const BusyScope busy;
      call->Run();
    }
    call->ended_ = Clock::now();
    lock.lock();
    running.call = nullptr;
    lock.unlock();
    call->Finish();
    lock.lock();
    std::erase(running_, &running);
    handed_back_.notify_all();
  }
}

Executor& TheExecutor() {
  static Executor* const executor = new Executor(kConcurrency);
  // A kernel that runs on while the process exits would use objects that are being destroyed.
  static const struct AtExit {
    ~AtExit() { executor->Stop(); }
  } at_exit;
  return *executor;
}

}  // namespace pixelcal
