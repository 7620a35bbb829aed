#include "mpi/arrays.h"

#include <algorithm>
#include <utility>

#include "mpi/calls.h"

namespace pixelcal::mpi {

int64_t BytesOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kFloat64:
      return 8;
    case ElementType::kBytes:
      break;
  }
  return 1;
}

ArrayList::ArrayList(ElementType type, std::vector<Array> arrays) : type_(type), arrays_(std::move(arrays)) {
  for (const Array& array : arrays_) count_ += array.count;
}

Range::Range(const ArrayList& arrays, int64_t begin, int64_t end) {
  // The library counts the bytes of a block in an int.
  constexpr int64_t most = int64_t{1} << 30;
  std::vector<int> lengths;
  std::vector<MPI_Aint> places;
  arrays.Pieces(begin, end, [&](std::byte* data, int64_t bytes) {
    for (int64_t done = 0; done < bytes; done += most) {
      MPI_Aint place;
      Check(MPI_Get_address(data + done, &place), "MPI_Get_address");
      places.push_back(place);
      lengths.push_back(static_cast<int>(std::min(most, bytes - done)));
    }
  });
  Check(MPI_Type_create_hindexed(static_cast<int>(lengths.size()), lengths.data(), places.data(), MPI_BYTE,
                                 &type_),
        "MPI_Type_create_hindexed");
  Check(MPI_Type_commit(&type_), "MPI_Type_commit");
}

Range::~Range() { MPI_Type_free(&type_); }

}  // namespace pixelcal::mpi
