#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "mpi/ranks.h"
#include "mpi/watch.h"

namespace pixelcal::mpi {

// MPI in this process: one thread that initialises it and makes all of its calls.
class World {
 public:
  // Starts the library; throws Failure. One per process, which MPI allows once.
  explicit World(std::chrono::milliseconds limit);
  ~World();

  int rank() const { return rank_; }
  int size() const { return size_; }
  const std::string& library() const { return library_; }

  using Work = std::function<void(const Ranks&, Watch&)>;
  // Runs `work` on the MPI thread after what was submitted before. It must not throw.
  void Submit(Work work);
  // Says that the event loop turns.
  void Alive() { watch_->Alive(); }
  // Says whether the event loop may stand still for now.
  void Working(bool working) { watch_->Working(working); }
  // Waits for all processes, ends MPI, then calls `done` on the MPI thread.
  void Finish(std::function<void()> done);
  // Ends every process of the job with an exit code.
  [[noreturn]] void Abort(int code);

 private:
  void Run(std::chrono::milliseconds limit, std::function<void(std::exception_ptr)> started);

  int rank_ = 0, size_ = 1;
  std::string library_;
  std::unique_ptr<Ranks> ranks_;
  std::unique_ptr<Watch> watch_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  std::atomic<int> abort_{-1};
  bool finished_ = false;  // on the MPI thread
  std::thread thread_;
};

}  // namespace pixelcal::mpi
