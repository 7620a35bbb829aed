#pragma once

#include <cstddef>
#include <vector>

#include "mpi/arrays.h"
#include "mpi/ranks.h"

namespace pixelcal::mpi {

// Returns when every process has called it.
void Barrier(const Ranks& ranks);

// Copies the arrays of process `root` to all others, which give arrays of the same sizes.
void Broadcast(const Ranks& ranks, const ArrayList& arrays, int root);

// Replaces every element by the mean of the processes' elements with one weight per rank, or by their sum if
// there are no weights; the same bits everywhere and in every run: each element is summed by one process in
// the order of ranks, in double precision for float32, and rounded once. A process of weight 0 adds nothing,
// not even a NaN. Integers that leave their range throw std::range_error in every process.
void AllReduce(const Ranks& ranks, const ArrayList& arrays, const std::vector<double>& weights);

// Returns the bytes of every process by rank, in process 0; none elsewhere.
std::vector<std::vector<std::byte>> Gather(const Ranks& ranks, std::vector<std::byte> bytes);

}  // namespace pixelcal::mpi
