#include "mpi/ranks.h"

#include <chrono>
#include <thread>
#include <utility>

#include "mpi/calls.h"

namespace pixelcal::mpi {

Ranks::Ranks(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {
  Check(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
  Check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  Check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  Check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Ranks::~Ranks() { MPI_Comm_free(&comm_); }

void Ranks::Wait(std::vector<MPI_Request>& requests) const {
  using namespace std::chrono_literals;
  int done = 0;
  for (int64_t round = 0;; round++) {
    Check(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
          "MPI_Testall");
    if (done) break;
    meanwhile_();
    // A message of a process that is at work takes long; its processor, and ours, have better things to do.
    if (round < 200)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(round < 2000 ? 20us : 100us);
  }
  requests.clear();
}

}  // namespace pixelcal::mpi
