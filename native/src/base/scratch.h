#pragma once

#include <cstddef>
#include <vector>

namespace pixelcal {

// Returns at least `count` uninitialised elements that belong to this thread until it asks for the same T and
// Tag again; the memory stays with the thread, so that repeated calls allocate nothing.
//
// The tag names the use: Scratch<float, struct ColumnSums>(n). Written like this it is a type of the function
// it stands in, which no other function can share. A template or several functions that share the memory
// declare the tag above themselves: a type inside a template would be another one for each of its arguments.
template <class T, class Tag>
T* Scratch(size_t count) {
  thread_local std::vector<T> memory;
  if (memory.size() < count) memory.resize(count);
  return memory.data();
}

}  // namespace pixelcal
