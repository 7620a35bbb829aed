#pragma once

#include <cstdint>
#include <vector>

#include "surface/surface.h"

namespace pixelcal::internal {

// The pixels [start, end) of a row that are set, and no neighbours of others in it.
struct Run {
  int32_t start, end;
};

// The runs of a packed mask (morphology/packed_mask.h) in raster order, with the component of each.
// Components are numbered from 0 by their first pixel.
struct ComponentRuns {
  Dhw dhw;
  std::vector<Run> runs;
  std::vector<int64_t> row_begin;  // the first run of every row, and the end
  std::vector<int32_t> component;  // of every run
  int64_t count = 0;               // components

  int64_t Rows() const { return dhw[0] * dhw[1]; }
};

// Finds the components of a mask. Pixels are neighbours if they differ by at most 1 along each axis and along
// at most `connectivity` axes: 1 for shared faces, 3 for shared corners.
ComponentRuns FindComponents(const uint64_t* mask, const Dhw& dhw, int connectivity);

// Calls body(run of a, run of b, pixels that they share) for all that share any, in raster order.
template <class Body>
void ForShared(const ComponentRuns& a, const ComponentRuns& b, const Body& body) {
  for (int64_t row = 0; row < a.Rows(); ++row) {
    int64_t i = a.row_begin[row], j = b.row_begin[row];
    while (i < a.row_begin[row + 1] && j < b.row_begin[row + 1]) {
      const int32_t start = a.runs[i].start > b.runs[j].start ? a.runs[i].start : b.runs[j].start;
      const int32_t end = a.runs[i].end < b.runs[j].end ? a.runs[i].end : b.runs[j].end;
      if (start < end) body(i, j, int64_t{end} - start);
      if (a.runs[i].end < b.runs[j].end)
        ++i;
      else
        ++j;
    }
  }
}

// Returns the mask grown `times` times by the pixels that differ along at most two axes, which is
// scipy.ndimage.binary_dilation with generate_binary_structure(3, 2).
std::vector<uint64_t> Grown(const uint64_t* mask, const Dhw& dhw, int64_t times);

}  // namespace pixelcal::internal
