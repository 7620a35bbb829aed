#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/cancel.h"

namespace pixelcal {

// Runs calls on threads of its own, a few at a time. Kernels would otherwise occupy the four threads on which
// the host reads files and resolves names.
//
// Small calls go first: a call waits with the key `work started so far + its cost`, and the smallest key runs
// next. The work that overtakes a waiting call is therefore at most as large as the call itself, so that a
// large one never starves, and no clock is involved.
class Executor {
 public:
  using Clock = std::chrono::steady_clock;

  class Call {
   public:
    // `owner` is whoever submits the call and takes it back; `cost` is its expected work, in any one unit.
    Call(const void* owner, int64_t cost);
    virtual ~Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Does the work on the calling thread, without an executor.
    void RunNow();

    CancelFlag& cancel_flag() { return cancel_flag_; }
    // The durations are known from Finish on.
    Clock::duration queued() const { return started_ - submitted_; }
    Clock::duration running() const { return ended_ - started_; }

   protected:
    // Does the work, on a thread of the executor. Must not throw.
    virtual void Run() = 0;
    // Hands the call back, on the same thread. The executor does not touch the call afterwards.
    virtual void Finish() = 0;

   private:
    friend class Executor;
    const void* const owner_;
    const int64_t cost_;
    int64_t key_ = 0, number_ = 0;
    CancelFlag cancel_flag_{false};
    Clock::time_point submitted_, started_, ended_;
  };

  struct State {
    int64_t waiting, running;
    int concurrency;
  };

  explicit Executor(int concurrency);
  // Takes no further calls, cancels the running ones and waits for them; waiting ones stay their owner's.
  ~Executor();

  // Queues a call, which stays the caller's and must live until Finish, or until it was taken back. Throws
  // std::system_error if the system has no thread for it.
  void Submit(Call& call);
  // Takes a waiting call back. Returns false if it runs or has run.
  bool Withdraw(Call& call);
  // Takes all waiting calls of an owner back, cancels its running ones and returns when Finish has returned
  // for each of them.
  std::vector<Call*> Abandon(const void* owner);
  // Cancels what runs, waits for it, and runs nothing any more.
  void Stop();

  // Sets how many calls run at once, from 1 on; those that run already run on.
  void set_concurrency(int concurrency);
  State state() const;

 private:
  // A call that runs; `call` is null once it is being handed back.
  struct Running {
    const void* owner;
    Call* call;
  };
  struct Sooner {
    bool operator()(const Call* a, const Call* b) const {
      return a->key_ != b->key_ ? a->key_ < b->key_ : a->number_ < b->number_;
    }
  };

  bool CanStart() const;
  void StartThreads(size_t more);
  void Serve();

  mutable std::mutex mutex_;
  std::condition_variable wake_, handed_back_;
  std::set<Call*, Sooner> waiting_;
  std::vector<Running*> running_;
  std::vector<std::thread> threads_;
  int64_t started_work_ = 0, submitted_calls_ = 0;
  int concurrency_;
  bool stopped_ = false;
};

// Returns the executor of the process. It is never destroyed, but stops before static objects are.
Executor& TheExecutor();

}  // namespace pixelcal
