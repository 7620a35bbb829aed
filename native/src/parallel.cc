#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "error.h"

namespace pixelcal {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kSpins = 1000;  // a few microseconds: shorter than a sleep and a wake-up

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// One ParallelFor. Shared with the workers, because a late one may still look at `next` after the caller has
// left; `body` is only touched by a thread that holds an unfinished chunk, and the caller waits for those.
struct Job {
  internal::ChunkFunction function;
  const void* body;
  int64_t count, grain, chunks;
  std::atomic<int64_t> next{0}, finished{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::mutex mutex;
  std::condition_variable done;

  void Work() {
    for (int64_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      if (!failed.load()) {
        try {
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

  void Run(const std::shared_ptr<Job>& job) {
    {
      std::lock_guard lock(mutex_);
      StartWorkers();
      jobs_.push_back(job);
      ++posted_;
    }
    wake_.notify_all();
    job->Work();
    {
      std::lock_guard lock(mutex_);
      std::erase(jobs_, job);
    }
    job->Wait();
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  // Where the system refuses another thread, those there are (at least the caller) do the work.
  void StartWorkers() {
    try {
      while (workers_ < thread_count_ - 1) {
        std::thread([this, index = workers_] { Serve(index); }).detach();
        ++workers_;
      }
    } catch (const std::system_error&) {
    }
  }

  std::shared_ptr<Job> Next() {
    for (const auto& job : jobs_)
      if (job->next.load() < job->chunks) return job;
    return nullptr;
  }

  // A worker beyond the thread count sleeps until the count grows again.
  void Serve(int index) {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::shared_ptr<Job> job = index < thread_count_ - 1 ? Next() : nullptr;
      if (job) {
        lock.unlock();
        job->Work();
        job.reset();
        const int64_t seen = posted_.load();
        for (int spin = 0; spin < kSpins && posted_.load() == seen; ++spin) Pause();
        lock.lock();
      } else {
        wake_.wait(lock);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Job>> jobs_;
  std::atomic<int64_t> posted_{0};
  int workers_ = 0;
  std::atomic<int> thread_count_{
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads)};
};

// Never destroyed: workers may outlive static destruction. The addon is linked so that it is never unloaded
// either.
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

namespace internal {

void RunChunks(int64_t count, int64_t grain, ChunkFunction function, const void* body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  const int64_t chunks = (count - 1) / grain + 1;
  if (chunks == 1 || ThreadCount() == 1) {
    for (int64_t begin = 0; begin < count; begin += std::min(grain, count - begin))
      function(body, begin, begin + std::min(grain, count - begin));
    return;
  }
  auto job = std::make_shared<Job>();
  job->function = function;
  job->body = body;
  job->count = count;
  job->grain = grain;
  job->chunks = chunks;
  ThePool().Run(job);
}

}  // namespace internal
}  // namespace pixelcal
