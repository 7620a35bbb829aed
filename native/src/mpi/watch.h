#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mpi/ranks.h"

namespace pixelcal::mpi {

// The talk of the processes of a job beside their work: that they are alive, and who takes which case. Used
// on the MPI thread alone, but for Alive.
class Watch {
 public:
  using Clock = std::chrono::steady_clock;

  // Ends the job when a process has been silent, or its event loop still, for `limit`; zero never does.
  explicit Watch(std::chrono::milliseconds limit);

  // Says that this process's event loop turns; on any thread.
  void Alive();
  // Says whether the event loop may stand still, as during a long native call; on any thread.
  void Working(bool working);
  // Sends and answers what is due; cheap when called often.
  void Serve();
  // Returns the next number of a queue, from 0 on, each to one process.
  int64_t Take(uint64_t queue);

 private:
  void Receive();
  void Beat();
  void End(const std::string& why) const;

  const std::chrono::milliseconds limit_;
  Ranks ranks_;
  std::atomic<Clock::rep> alive_;
  std::atomic<bool> working_{false};
  Clock::time_point served_, beaten_;
  std::vector<Clock::time_point> seen_;
  std::vector<MPI_Request> beats_;
  std::map<uint64_t, int64_t> next_;
};

}  // namespace pixelcal::mpi
