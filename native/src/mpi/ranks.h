#pragma once

#include <mpi.h>

#include <functional>
#include <vector>

namespace pixelcal::mpi {

// The processes of a job: a communicator of our own, whose calls are waited for without holding a processor.
class Ranks {
 public:
  // `meanwhile` is called again and again while this process waits.
  explicit Ranks(std::function<void()> meanwhile);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  MPI_Comm comm() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }

  // Returns when all requests are done; processes of the same machine may compute meanwhile.
  void Wait(std::vector<MPI_Request>& requests) const;

 private:
  std::function<void()> meanwhile_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

}  // namespace pixelcal::mpi
