#include "mpi/watch.h"

#include <algorithm>
#include <cstdio>

#include "mpi/calls.h"
#include "mpi/end_job.h"

namespace pixelcal::mpi {

namespace {

using namespace std::chrono_literals;

enum Tag { kBeat, kTake, kGiven };

std::string Seconds(std::chrono::milliseconds limit) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", static_cast<double>(limit.count()) / 1000);
  return text;
}

}  // namespace

Watch::Watch(std::chrono::milliseconds limit)
    : limit_(limit), ranks_([this] { Serve(); }), beats_(ranks_.size(), MPI_REQUEST_NULL) {
  const auto now = Clock::now();
  served_ = beaten_ = now;
  alive_ = now.time_since_epoch().count();
  seen_.assign(ranks_.size(), now);
}

void Watch::Alive() { alive_ = Clock::now().time_since_epoch().count(); }

void Watch::Working(bool working) {
  Alive();
  working_ = working;
}

void Watch::Serve() {
  const auto now = Clock::now();
  if (now - served_ < 100us) return;
  served_ = now;
  Receive();
  if (now - beaten_ < 250ms) return;
  beaten_ = now;
  Beat();
  if (limit_ == 0ms) return;
  const int rank = ranks_.rank();
  const std::string after = " for " + Seconds(limit_) + "; the job ends\n";
  if (!working_ && now - Clock::time_point(Clock::duration(alive_.load())) > limit_)
    End("pixelcal: rank " + std::to_string(rank) + ": its event loop has stood still" + after);
  // Everybody is watched by process 0, and process 0 by everybody, one after another: the first one's message
  // is enough.
  const auto patience = limit_ + std::min(std::max(rank - 1, 0), 10) * 100ms;
  for (int other = 0; other < ranks_.size(); other++)
    if ((rank == 0) != (other == 0) && now - seen_[other] > patience)
      End("pixelcal: rank " + std::to_string(other) + " has not answered" + after);
}

void Watch::Receive() {
  for (;;) {
    int found = 0;
    MPI_Status status;
    // Replies are for Take.
    for (const int tag : {kBeat, kTake}) {
      Check(MPI_Iprobe(MPI_ANY_SOURCE, tag, ranks_.comm(), &found, &status), "MPI_Iprobe");
      if (found) break;
    }
    if (!found) return;
    uint64_t queue = 0;
    const int source = status.MPI_SOURCE;
    Check(MPI_Recv(&queue, status.MPI_TAG == kTake, MPI_UINT64_T, source, status.MPI_TAG, ranks_.comm(),
                   MPI_STATUS_IGNORE),
          "MPI_Recv");
    seen_[source] = Clock::now();
    if (status.MPI_TAG != kTake) continue;
    const int64_t given = next_[queue]++;
    Check(MPI_Send(&given, 1, MPI_INT64_T, source, kGiven, ranks_.comm()), "MPI_Send");
  }
}

void Watch::Beat() {
  for (int other = 0; other < ranks_.size(); other++) {
    if ((ranks_.rank() == 0) == (other == 0)) continue;
    int sent = 0;
    Check(MPI_Test(&beats_[other], &sent, MPI_STATUS_IGNORE), "MPI_Test");
    if (!sent) continue;  // it has not taken the one before
    Check(MPI_Isend(nullptr, 0, MPI_UINT64_T, other, kBeat, ranks_.comm(), &beats_[other]), "MPI_Isend");
  }
}

int64_t Watch::Take(uint64_t queue) {
  if (ranks_.rank() == 0) return next_[queue]++;
  int64_t given = 0;
  std::vector<MPI_Request> requests(2);
  Check(MPI_Irecv(&given, 1, MPI_INT64_T, 0, kGiven, ranks_.comm(), &requests[0]), "MPI_Irecv");
  Check(MPI_Isend(&queue, 1, MPI_UINT64_T, 0, kTake, ranks_.comm(), &requests[1]), "MPI_Isend");
  ranks_.Wait(requests);
  return given;
}

void Watch::End(const std::string& why) const {
  std::fputs(why.c_str(), stderr);
  std::fflush(stderr);
  EndJob(1);
}

}  // namespace pixelcal::mpi
