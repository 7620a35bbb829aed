#pragma once

#include <cstddef>
#include <vector>

namespace pixelcal {

// At least `count` uninitialised elements that belong to this thread until it asks for the same T and kSlot
// again; the memory stays with the thread, so that repeated calls allocate nothing.
template <class T, int kSlot>
T* Scratch(size_t count) {
  thread_local std::vector<T> memory;
  if (memory.size() < count) memory.resize(count);
  return memory.data();
}

}  // namespace pixelcal
