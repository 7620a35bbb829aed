#pragma once

// Label maps on the device: narrowed once to 16-bit codes, which every class then reads.

#include <deque>
#include <limits>
#include <optional>

#include "cuda/stream.h"

namespace pixelcal::cuda {

inline constexpr int16_t kLeftOutCode = -1, kInvalidCode = -2;

// The pixels a kernel refuses: how many, and the first.
struct Finding {
  unsigned long long count = 0, first = std::numeric_limits<unsigned long long>::max();
};

// The findings of the pieces of a call; their values are there when the pieces have finished.
class Findings {
 public:
  // Returns device memory of a new finding.
  Finding* Add(Stream& stream) { return stream.InOut(std::span(&all_.emplace_back(), 1)); }
  bool Any() const {
    for (const Finding& finding : all_)
      if (finding.count > 0) return true;
    return false;
  }
  // Returns the number of pixels and the first of them, if all pieces number them from the same start.
  Finding Sum() const {
    Finding sum;
    for (const Finding& finding : all_) {
      sum.count += finding.count;
      sum.first = std::min(sum.first, finding.first);
    }
    return sum;
  }

 private:
  std::deque<Finding> all_;
};

__device__ inline void Find(Finding* finding, int64_t pixel) {
  atomicAdd(&finding->count, 1ull);
  atomicMin(&finding->first, static_cast<unsigned long long>(pixel));
}

// Returns the codes of `count` labels: the class, kLeftOutCode where the label is `ignore`, kInvalidCode (and
// a finding) where it is no class.
int16_t* EncodeLabels(Stream& stream, const LabelSpan& labels, int64_t classes, std::optional<int64_t> ignore,
                      Finding* finding);

inline LabelSpan Part(const LabelSpan& labels, int64_t first, int64_t count) {
  return std::visit([&](auto span) { return LabelSpan(Part(span, first, count)); }, labels);
}

// Host copies of spans that may be on the device, for errors, which the CPU's kernel words.
class HostCopies {
 public:
  template <class T>
  std::span<const T> operator()(std::span<const T> values) {
    if (HostBytes(values) > 0 || values.empty()) return values;
    std::vector<char>& copy = copies_.emplace_back(values.size_bytes());
    Stream().Download(values.data(), copy.data(), copy.size());
    return {reinterpret_cast<const T*>(copy.data()), values.size()};
  }
  template <class... Spans>
  std::variant<Spans...> operator()(const std::variant<Spans...>& values) {
    return std::visit([&](auto span) { return std::variant<Spans...>((*this)(span)); }, values);
  }

 private:
  std::deque<std::vector<char>> copies_;
};

}  // namespace pixelcal::cuda
