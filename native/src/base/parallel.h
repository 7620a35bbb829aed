#pragma once

#include <cstdint>

namespace pixelcal {

// Returns the number of threads one ParallelFor may use, including the calling one. One pool serves the whole
// process.
int ThreadCount();
void SetThreadCount(int count);

// Tells the pool that the calling thread is busy with kernels for as long as the scope lives. While that is
// true of as many threads as the pool has, ParallelFor asks no other for help: more threads than processors
// only wake, wait and take turns. Help is called when one of the scopes ends.
class BusyScope {
 public:
  BusyScope();
  ~BusyScope();
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;
};

namespace internal {
using ChunkFunction = void (*)(const void* body, int64_t begin, int64_t end);
void RunChunks(int64_t count, int64_t grain, ChunkFunction function, const void* body);
}  // namespace internal

// Calls body(begin, end) for the chunks [0, grain), [grain, 2 grain) ... of [0, count), each exactly once,
// and returns when all are done; rethrows the first exception. Chunk borders depend only on count and grain,
// so a reduction that keeps one partial result per chunk (index begin / grain) and adds them in order gives
// the same bits at any thread count. May be called from several threads at once and from inside a body. Where
// the caller's work is cancelled (cancel.h), further chunks are left out and Cancelled is thrown.
template <class Body>
void ParallelFor(int64_t count, int64_t grain, const Body& body) {
  internal::RunChunks(
      count, grain,
      [](const void* data, int64_t begin, int64_t end) { (*static_cast<const Body*>(data))(begin, end); },
      &body);
}

}  // namespace pixelcal
