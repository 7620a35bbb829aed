#include "mpi/end_job.h"

#include <mpi.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace pixelcal::mpi {

namespace {

using namespace std::chrono_literals;

// Whether the launcher has yet to read from the pipe behind a file descriptor; false for all that is no pipe.
bool Unread(int descriptor) {
  struct stat status;
  int bytes = 0;
  return fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) &&
         ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

void EndJob(int code) {
  // A launcher that reads nothing for so long will not.
  const auto end = std::chrono::steady_clock::now() + 1s;
  while ((Unread(STDOUT_FILENO) || Unread(STDERR_FILENO)) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(1ms);
  MPI_Abort(MPI_COMM_WORLD, code);
}

}  // namespace pixelcal::mpi
