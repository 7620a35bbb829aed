#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pixelcal::mpi {

enum class ElementType { kFloat32, kFloat64, kInt32, kBytes };

int64_t BytesOf(ElementType type);

// An array of the caller's, which stays where it is.
struct Array {
  std::byte* data;
  int64_t count;
};

// Arrays of one element type as one long sequence of elements.
class ArrayList {
 public:
  ArrayList(ElementType type, std::vector<Array> arrays);

  ElementType type() const { return type_; }
  int64_t count() const { return count_; }

  // Calls `visit(std::byte*, bytes)` for each piece of memory that holds the elements [begin, end).
  template <class Visit>
  void Pieces(int64_t begin, int64_t end, Visit visit) const {
    const int64_t width = BytesOf(type_);
    int64_t first = 0;
    for (const Array& array : arrays_) {
      const int64_t from = begin > first ? begin - first : 0;
      const int64_t to = end - first < array.count ? end - first : array.count;
      if (from < to) visit(array.data + from * width, (to - from) * width);
      first += array.count;
    }
  }

 private:
  ElementType type_;
  std::vector<Array> arrays_;
  int64_t count_ = 0;
};

// A range of the elements as an MPI data type that is sent from, or received to, where they are.
class Range {
 public:
  Range(const ArrayList& arrays, int64_t begin, int64_t end);
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

  MPI_Datatype type() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

}  // namespace pixelcal::mpi
