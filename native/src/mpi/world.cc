#include "mpi/world.h"

#include <cstdlib>
#include <exception>
#include <future>
#include <utility>

#include "mpi/calls.h"
#include "mpi/collectives.h"
#include "mpi/end_job.h"

namespace pixelcal::mpi {

namespace {

using namespace std::chrono_literals;

void Initialise() {
  int begun = 0;
  Check(MPI_Initialized(&begun), "MPI_Initialized");
  if (begun) throw Failure("MPI is in use in this process already");
  int provided = MPI_THREAD_SINGLE;
  Check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    throw Failure("MPI_Init_thread: expected MPI_THREAD_FUNNELED or better");
}

std::string LibraryVersion() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  Check(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  const std::string all(text, static_cast<size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

}  // namespace

World::World(std::chrono::milliseconds limit) {
  std::promise<void> started;
  thread_ = std::thread([&, limit] {
    Run(limit, [&](std::exception_ptr failure) {
      if (failure)
        started.set_exception(failure);
      else
        started.set_value();
    });
  });
  try {
    started.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

World::~World() { thread_.join(); }

void World::Run(std::chrono::milliseconds limit, std::function<void(std::exception_ptr)> started) {
  try {
    Initialise();
    watch_ = std::make_unique<Watch>(limit);
    ranks_ = std::make_unique<Ranks>([this] {
      if (abort_ >= 0) EndJob(abort_);
      watch_->Serve();
    });
    rank_ = ranks_->rank();
    size_ = ranks_->size();
    library_ = LibraryVersion();
  } catch (...) {
    started(std::current_exception());
    return;
  }
  started(nullptr);
  while (!finished_) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 1ms, [&] { return !waiting_.empty(); });
      if (!waiting_.empty()) {
        work = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (abort_ >= 0) EndJob(abort_);
    if (work)
      work(*ranks_, *watch_);
    else
      watch_->Serve();
  }
}

void World::Submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void World::Finish(std::function<void()> done) {
  Submit([this, done = std::move(done)](const Ranks& ranks, Watch&) {
    try {
      Barrier(ranks);
    } catch (const std::exception&) {
      // The others are gone: there is nobody to wait for.
    }
    watch_.reset();
    ranks_.reset();
    MPI_Finalize();
    finished_ = true;
    done();
  });
}

void World::Abort(int code) {
  abort_ = code;
  changed_.notify_one();
  // The thread ends this process with the others, unless a call of the library does not come back.
  std::this_thread::sleep_for(3s);
  std::_Exit(code);
}

}  // namespace pixelcal::mpi
