#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/background.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/pause.h"

namespace pixelcal {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kSpins = 2000;  // some tens of microseconds, as long as a sleep and a wake-up take

// The state of one ParallelFor. A late worker may still read `next` after the last chunk is done, so a job is
// reused only once no worker holds it (`users`, under the pool's mutex). Only a thread that holds an
// unfinished chunk touches `body`, and the caller waits for chunks, not for workers, one of which may be slow
// to arrive.
struct Job {
  internal::ChunkFunction function;
  const void* body;
  const CancelFlag* cancel;  // that of the caller
  int64_t count, grain, chunks;
  std::atomic<int64_t> next, finished;
  std::atomic<bool> failed;
  std::exception_ptr error;
  int users = 0;
  std::mutex mutex;
  std::condition_variable done;

  void Work() {
    const CancelScope scope(cancel);
    for (int64_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      if (!failed.load()) {
        try {
          CheckCancelled(cancel);
          const int64_t begin = chunk * grain;
          function(body, begin, begin + std::min(grain, count - begin));
        } catch (...) {
          std::lock_guard lock(mutex);
          if (!failed.exchange(true)) error = std::current_exception();
        }
      }
      if (finished.fetch_add(1) + 1 == chunks) {
        std::lock_guard lock(mutex);
        done.notify_all();
      }
    }
  }

  void Wait() {
    for (int spin = 0; spin < kSpins && finished.load() < chunks; ++spin) Pause();
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return finished.load() == chunks; });
  }
};

class Pool {
 public:
  int thread_count() const { return thread_count_.load(); }

  void set_thread_count(int count) {
    std::lock_guard lock(mutex_);
    thread_count_ = count;
    wake_.notify_all();
  }

  void Run(internal::ChunkFunction function, const void* body, int64_t count, int64_t grain, int64_t chunks) {
    Job* job;
    {
      std::lock_guard lock(mutex_);
      StartWorkers();
      job = Take();
      job->function = function;
      job->body = body;
      job->cancel = CurrentCancelFlag();
      job->count = count;
      job->grain = grain;
      job->chunks = chunks;
      job->next = job->finished = 0;
      job->failed = false;
      jobs_.push_back(job);
      ++posted_;
    }
    if (busy_.load() < thread_count_) wake_.notify_all();
    job->Work();
    job->Wait();
    const std::exception_ptr error = std::exchange(job->error, nullptr);
    {
      std::lock_guard lock(mutex_);
      std::erase(jobs_, job);
      Release(job);
    }
    if (error) std::rethrow_exception(error);
  }

  void Enter() { ++busy_; }
  // A job that was posted meanwhile, which woke nobody, is seen here: Run posts before it looks.
  void Leave() {
    if (--busy_ >= thread_count_) return;
    {
      std::lock_guard lock(mutex_);
      if (std::ranges::none_of(jobs_, HasChunks)) return;
    }
    wake_.notify_all();
  }

 private:
  static bool HasChunks(const Job* job) { return job->next.load() < job->chunks; }

  // If the system refuses another thread, the existing ones (at least the caller) do the work.
  void StartWorkers() {
    try {
      while (workers_ < thread_count_ - 1) {
        std::thread([this, index = workers_] { Serve(index); }).detach();
        ++workers_;
      }
    } catch (const std::system_error&) {
    }
  }

  // Returns an unused job and marks it used by the caller. In steady state this allocates nothing.
  Job* Take() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<Job>());
      free_.reserve(all_.size());
      jobs_.reserve(all_.size());
      free_.push_back(all_.back().get());
    }
    Job* job = free_.back();
    free_.pop_back();
    job->users = 1;
    return job;
  }

  void Release(Job* job) {
    if (--job->users == 0) free_.push_back(job);
  }

  Job* Next() {
    for (Job* job : jobs_) {
      if (HasChunks(job)) {
        ++job->users;
        return job;
      }
    }
    return nullptr;
  }

  // A worker beyond the thread count sleeps until the count grows again. Kernels come in rounds, so an idle
  // worker looks for the next job for a while before it sleeps.
  void Serve(int index) {
    RunInBackground();
    std::unique_lock lock(mutex_);
    for (bool awake = true;;) {
      if (Job* job = index < thread_count_ - 1 ? Next() : nullptr) {
        lock.unlock();
        job->Work();
        lock.lock();
        Release(job);
        awake = true;
      } else if (awake) {
        const int64_t seen = posted_.load();
        lock.unlock();
        for (int spin = 0; spin < kSpins && posted_.load() == seen; ++spin) Pause();
        lock.lock();
        awake = false;
      } else {
        wake_.wait(lock);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<Job>> all_;
  std::vector<Job*> jobs_, free_;  // jobs with work, and unused jobs
  std::atomic<int64_t> posted_{0};
  std::atomic<int> busy_{0};
  int workers_ = 0;
  std::atomic<int> thread_count_{
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads)};
};

// The pool is never destroyed, because workers may outlive static destruction. The addon is linked so
// that it is never unloaded either.
Pool& ThePool() {
  static Pool* pool = new Pool;
  return *pool;
}

}  // namespace

int ThreadCount() { return ThePool().thread_count(); }

void SetThreadCount(int count) {
  Require(count >= 1 && count <= kMaxThreads, "threads: expected 1 to ", kMaxThreads, ", got ", count);
  ThePool().set_thread_count(count);
}

BusyScope::BusyScope() { ThePool().Enter(); }
BusyScope::~BusyScope() { ThePool().Leave(); }

namespace internal {

void RunChunks(int64_t count, int64_t grain, ChunkFunction function, const void* body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  const int64_t chunks = (count - 1) / grain + 1;
  if (chunks == 1 || ThreadCount() == 1) {
    const CancelFlag* const cancel = CurrentCancelFlag();
    for (int64_t begin = 0; begin < count; begin += std::min(grain, count - begin)) {
      CheckCancelled(cancel);
      function(body, begin, begin + std::min(grain, count - begin));
    }
    return;
  }
  ThePool().Run(function, body, count, grain, chunks);
}

}  // namespace internal
}  // namespace pixelcal
