// Connected components by union-find over runs: rows are cut into runs bit by bit of packed words, a run
// joins those of the rows before it that it touches, and roots are numbered in raster order. He, Chao,
// Suzuki, "A run-based two-scan labeling algorithm" (IEEE TIP 17, 2008). O(words + runs) up to the inverse of
// Ackermann's function.
#include "components/runs.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "base/parallel.h"
#include "base/shape.h"

namespace pixelcal::internal {
namespace {

constexpr int64_t kRowsGrain = 64;

// Calls body(start, end) for the runs of a row; unused bits of its last word are 0.
template <class Body>
void ForRuns(const uint64_t* words, int64_t count, const Body& body) {
  int64_t open = -1;
  for (int64_t w = 0; w < count; ++w) {
    uint64_t rest = words[w];
    if (open >= 0) rest = ~rest;  // looks for the end first
    if (rest == 0) continue;
    int at = 0;
    // `rest` has the bits from `at` on that change what is looked for.
    while (at < 64) {
      const uint64_t ahead = rest >> at;
      if (ahead == 0) break;
      at += std::countr_zero(ahead);
      const int64_t pixel = 64 * w + at;
      if (open < 0) {
        open = pixel;
      } else {
        body(open, pixel);
        open = -1;
      }
      rest = ~rest;
    }
  }
  if (open >= 0) body(open, 64 * count);
}

class Forest {
 public:
  explicit Forest(size_t count) : parent_(count) {
    for (size_t i = 0; i < count; ++i) parent_[i] = static_cast<int32_t>(i);
  }
  int32_t Root(int32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // The earlier root stays one, so that roots come before their children.
  void Join(int32_t a, int32_t b) {
    a = Root(a);
    b = Root(b);
    if (a < b)
      parent_[b] = a;
    else
      parent_[a] = b;
  }

 private:
  std::vector<int32_t> parent_;
};

// Joins the runs of a row with those of an earlier row that they touch, where `reach` is 1 if corners count.
void JoinRows(const ComponentRuns& of, int64_t row, int64_t before, int32_t reach, Forest& forest) {
  int64_t i = of.row_begin[row], j = of.row_begin[before];
  const int64_t end = of.row_begin[row + 1], end_before = of.row_begin[before + 1];
  while (i < end && j < end_before) {
    const Run &a = of.runs[i], &b = of.runs[j];
    if (a.start < b.end + reach && b.start < a.end + reach)
      forest.Join(static_cast<int32_t>(i), static_cast<int32_t>(j));
    if (a.end < b.end)
      ++i;
    else
      ++j;
  }
}

void FindRuns(const uint64_t* mask, ComponentRuns& of) {
  const int64_t rows = of.Rows(), words = (of.dhw[2] + 63) / 64, chunks = (rows - 1) / kRowsGrain + 1;
  std::vector<std::vector<Run>> parts(static_cast<size_t>(chunks));
  of.row_begin.assign(static_cast<size_t>(rows + 1), 0);
  ParallelFor(rows, kRowsGrain, [&](int64_t begin, int64_t end) {
    std::vector<Run>& part = parts[static_cast<size_t>(begin / kRowsGrain)];
    for (int64_t row = begin; row < end; ++row) {
      ForRuns(mask + row * words, words, [&](int64_t start, int64_t stop) {
        part.push_back({static_cast<int32_t>(start), static_cast<int32_t>(std::min(stop, of.dhw[2]))});
      });
      of.row_begin[static_cast<size_t>(row + 1)] = std::ssize(part);
    }
  });
  size_t all = 0;
  for (const auto& part : parts) all += part.size();
  Require(all < (size_t{1} << 31), "mask: expected fewer than 2^31 runs, got ", all);
  of.runs.reserve(all);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const auto before = std::ssize(of.runs);
    for (int64_t row = chunk * kRowsGrain; row < std::min(rows, (chunk + 1) * kRowsGrain); ++row)
      of.row_begin[static_cast<size_t>(row + 1)] += before;
    of.runs.insert(of.runs.end(), parts[static_cast<size_t>(chunk)].begin(),
                   parts[static_cast<size_t>(chunk)].end());
  }
}

}  // namespace

ComponentRuns FindComponents(const uint64_t* mask, const Dhw& dhw, int connectivity) {
  ComponentRuns of{dhw, {}, {}, {}, 0};
  FindRuns(mask, of);
  Forest forest(of.runs.size());
  for (int64_t row = 0; row < of.Rows(); ++row) {
    if (of.row_begin[row] == of.row_begin[row + 1]) continue;
    const int64_t z = row / dhw[1], y = row % dhw[1];
    for (const auto& [dz, dy] : {std::pair<int64_t, int64_t>{0, -1}, {-1, -1}, {-1, 0}, {-1, 1}}) {
      const int axes = (dz != 0) + (dy != 0);
      if (axes > connectivity || z + dz < 0 || y + dy < 0 || y + dy >= dhw[1]) continue;
      JoinRows(of, row, row + dz * dhw[1] + dy, axes < connectivity ? 1 : 0, forest);
    }
  }
  of.component.resize(of.runs.size());
  for (size_t i = 0; i < of.runs.size(); ++i) {
    const int32_t root = forest.Root(static_cast<int32_t>(i));
    of.component[i] = root == static_cast<int32_t>(i) ? static_cast<int32_t>(of.count++) : of.component[root];
  }
  return of;
}

std::vector<uint64_t> Grown(const uint64_t* mask, const Dhw& dhw, int64_t times) {
  const int64_t rows = dhw[0] * dhw[1], words = (dhw[2] + 63) / 64;
  const auto size = static_cast<size_t>(rows * words);
  const uint64_t last = ~uint64_t{0} >> (-dhw[2] & 63);
  std::vector<uint64_t> grown(mask, mask + size), wide(size), next(size);
  for (int64_t time = 0; time < times; ++time) {
    ParallelFor(rows, kRowsGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const uint64_t* from = grown.data() + row * words;
        uint64_t* to = wide.data() + row * words;
        for (int64_t w = 0; w < words; ++w) {
          const uint64_t before = w > 0 ? from[w - 1] >> 63 : 0;
          const uint64_t after = w + 1 < words ? from[w + 1] << 63 : 0;
          to[w] = from[w] | from[w] << 1 | before | from[w] >> 1 | after;
        }
        to[words - 1] &= last;
      }
    });
    ParallelFor(rows, kRowsGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t z = row / dhw[1], y = row % dhw[1];
        uint64_t* to = next.data() + row * words;
        std::copy_n(wide.data() + row * words, words, to);
        for (int64_t dz = -1; dz <= 1; ++dz) {
          for (int64_t dy = -1; dy <= 1; ++dy) {
            if (z + dz < 0 || z + dz >= dhw[0] || y + dy < 0 || y + dy >= dhw[1]) continue;
            const std::vector<uint64_t>& other = dz != 0 && dy != 0 ? grown : wide;
            const uint64_t* from = other.data() + (row + dz * dhw[1] + dy) * words;
            for (int64_t w = 0; w < words; ++w) to[w] |= from[w];
          }
        }
      }
    });
    std::swap(grown, next);
  }
  return grown;
}

}  // namespace pixelcal::internal
