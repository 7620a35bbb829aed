#include "mpi/collectives.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "mpi/calls.h"

namespace pixelcal::mpi {

namespace {

constexpr int kTag = 0;
// Elements of a slice that one process sums at a time, and of all slices that it holds.
constexpr int64_t kSlice = int64_t{1} << 18, kHeld = int64_t{1} << 24;

void Receive(const Ranks& ranks, const ArrayList& arrays, int64_t begin, int64_t end, int from,
             std::vector<MPI_Request>& requests) {
  if (begin == end) return;
  // The library keeps a freed type as long as a request needs it.
  const Range range(arrays, begin, end);
  requests.emplace_back();
  Check(MPI_Irecv(MPI_BOTTOM, 1, range.type(), from, kTag, ranks.comm(), &requests.back()), "MPI_Irecv");
}

void Send(const Ranks& ranks, const ArrayList& arrays, int64_t begin, int64_t end, int to,
          std::vector<MPI_Request>& requests) {
  if (begin == end) return;
  const Range range(arrays, begin, end);
  requests.emplace_back();
  Check(MPI_Isend(MPI_BOTTOM, 1, range.type(), to, kTag, ranks.comm(), &requests.back()), "MPI_Isend");
}

// Writes the sums of `slices`, one for each process in order, of `count` elements to `result`, or their
// weighted means. Returns whether they fit the type.
template <class T, class Sum>
bool SumSlices(const std::byte* slices, int64_t count, int size, const std::vector<double>& weights,
               std::byte* result) {
  bool fits = true;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (int64_t i = 0; i < count; i++) {
    Sum sum{};
    for (int rank = 0; rank < size; rank++) {
      if (!weights.empty() && weights[rank] == 0) continue;
      T value;
      std::memcpy(&value, slices + (rank * count + i) * static_cast<int64_t>(sizeof(T)), sizeof(T));
      if constexpr (std::is_integral_v<T>)
        sum += value;
      else
        sum += weights.empty() ? value : weights[rank] * value;
    }
    if constexpr (std::is_integral_v<T>)
      fits &= sum >= std::numeric_limits<T>::min() && sum <= std::numeric_limits<T>::max();
    else if (!weights.empty())
      sum /= total;
    const T rounded = static_cast<T>(sum);
    std::memcpy(result + i * static_cast<int64_t>(sizeof(T)), &rounded, sizeof(T));
  }
  return fits;
}

bool SumSlices(ElementType type, const std::byte* slices, int64_t count, int size,
               const std::vector<double>& weights, std::byte* result) {
  switch (type) {
    case ElementType::kFloat32:
      return SumSlices<float, double>(slices, count, size, weights, result);
    case ElementType::kFloat64:
      return SumSlices<double, double>(slices, count, size, weights, result);
    case ElementType::kInt32:
      return SumSlices<int32_t, int64_t>(slices, count, size, weights, result);
    case ElementType::kBytes:
      break;
  }
  throw std::logic_error("bytes have no sum");
}

}  // namespace

void Barrier(const Ranks& ranks) {
  std::vector<MPI_Request> requests(1);
  Check(MPI_Ibarrier(ranks.comm(), requests.data()), "MPI_Ibarrier");
  ranks.Wait(requests);
}

void Broadcast(const Ranks& ranks, const ArrayList& arrays, int root) {
  if (arrays.count() == 0) return;
  const Range range(arrays, 0, arrays.count());
  std::vector<MPI_Request> requests(1);
  Check(MPI_Ibcast(MPI_BOTTOM, 1, range.type(), root, ranks.comm(), requests.data()), "MPI_Ibcast");
  ranks.Wait(requests);
}

void AllReduce(const Ranks& ranks, const ArrayList& arrays, const std::vector<double>& weights) {
  const int rank = ranks.rank(), size = ranks.size();
  const int64_t width = BytesOf(arrays.type());
  const int64_t slice = std::max<int64_t>(4096, std::min(kSlice, kHeld / size));
  std::vector<std::byte> slices, sums;
  std::vector<MPI_Request> requests;
  int overflows = 0;
  for (int64_t begin = 0; begin < arrays.count(); begin += slice * size) {
    const int64_t count = std::min(slice * size, arrays.count() - begin);
    // Process r sums the elements [first(r), first(r + 1)).
    const auto first = [&](int r) { return begin + count * r / size; };
    const int64_t from = first(rank), to = first(rank + 1), own = to - from;
    slices.resize(static_cast<size_t>(own * size * width));
    sums.resize(static_cast<size_t>(own * width));
    for (int other = 0; other < size; other++) {
      if (other == rank || own == 0) continue;
      requests.emplace_back();
      Check(MPI_Irecv(slices.data() + other * own * width, static_cast<int>(own * width), MPI_BYTE, other,
                      kTag, ranks.comm(), &requests.back()),
            "MPI_Irecv");
    }
    for (int step = 1; step < size; step++) {
      const int other = (rank + step) % size;
      Send(ranks, arrays, first(other), first(other + 1), other, requests);
    }
    std::byte* place = slices.data() + rank * own * width;
    arrays.Pieces(from, to, [&](const std::byte* data, int64_t bytes) {
      std::memcpy(place, data, static_cast<size_t>(bytes));
      place += bytes;
    });
    ranks.Wait(requests);
    overflows += !SumSlices(arrays.type(), slices.data(), own, size, weights, sums.data());
    const std::byte* sum = sums.data();
    arrays.Pieces(from, to, [&](std::byte* data, int64_t bytes) {
      std::memcpy(data, sum, static_cast<size_t>(bytes));
      sum += bytes;
    });
    for (int other = 0; other < size; other++)
      if (other != rank) Receive(ranks, arrays, first(other), first(other + 1), other, requests);
    for (int step = 1; step < size; step++) Send(ranks, arrays, from, to, (rank + step) % size, requests);
    ranks.Wait(requests);
  }
  if (arrays.type() != ElementType::kInt32) return;
  requests.emplace_back();
  Check(MPI_Iallreduce(MPI_IN_PLACE, &overflows, 1, MPI_INT, MPI_SUM, ranks.comm(), &requests.back()),
        "MPI_Iallreduce");
  ranks.Wait(requests);
  if (overflows > 0) throw std::range_error("arrays: expected sums within the range of int32");
}

std::vector<std::vector<std::byte>> Gather(const Ranks& ranks, std::vector<std::byte> bytes) {
  const int rank = ranks.rank(), size = ranks.size();
  const int64_t length = static_cast<int64_t>(bytes.size());
  std::vector<int64_t> lengths(rank == 0 ? size : 0);
  std::vector<MPI_Request> requests(1);
  Check(
      MPI_Igather(&length, 1, MPI_INT64_T, lengths.data(), 1, MPI_INT64_T, 0, ranks.comm(), requests.data()),
      "MPI_Igather");
  ranks.Wait(requests);
  const auto whole = [](std::vector<std::byte>& one) {
    return ArrayList(ElementType::kBytes, {{one.data(), static_cast<int64_t>(one.size())}});
  };
  if (rank != 0) {
    Send(ranks, whole(bytes), 0, length, 0, requests);
    ranks.Wait(requests);
    return {};
  }
  std::vector<std::vector<std::byte>> all(size);
  all[0] = std::move(bytes);
  for (int other = 1; other < size; other++) {
    all[other].resize(static_cast<size_t>(lengths[other]));
    Receive(ranks, whole(all[other]), 0, lengths[other], other, requests);
  }
  ranks.Wait(requests);
  return all;
}

}  // namespace pixelcal::mpi
