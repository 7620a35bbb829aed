// Reads probability maps block by block: the labels of 2048 pixels are narrowed, their probabilities checked
// and, if float16, widened row by row in the first-level cache. One pass over memory, O(classes x pixels).
#include "calibration/probability_block.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/error.h"
#include "base/shape.h"
#include "labels/float_rows.h"
#include "labels/label_codes.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kMostChunks = 256;

int64_t BlocksPerImage(const ProbabilityMaps& maps) { return (maps.pixels - 1) / kBlockPixels + 1; }

bool IsProbability(float p) { return p >= 0 && p <= 1; }
bool IsWeight(float w) { return w >= 0 && std::isfinite(w); }

float ValueAt(const FloatSpan& values, int64_t at) {
  float room;
  return *FloatsAt(values, at, 1, &room);
}

bool InUnit(const FloatSpan& values, int64_t at, int64_t count) {
  if (const auto* wide = std::get_if<std::span<const float>>(&values))
    return PixelRowsLoops().in_unit(wide->data() + at, count);
  return PixelRowsLoops().half_in_unit(std::get<std::span<const uint16_t>>(values).data() + at, count);
}

}  // namespace

const float* ProbabilityBlock::Row(int64_t c, float* room) const {
  return FloatsAt(*probs, start + c * pixels, count, room);
}

const ProbabilityBlock* BlockReader::Next() {
  while (next_ < end_)
    if (Read(next_++)) return &block_;
  return nullptr;
}

bool BlockReader::Read(int64_t item) {
  const int64_t blocks = BlocksPerImage(maps_), n = item / blocks, start = item % blocks * kBlockPixels;
  const int64_t at = n * maps_.pixels + start;
  block_.number = item;
  block_.image = n;
  block_.at = at;
  block_.count = std::min(kBlockPixels, maps_.pixels - start);
  block_.probs = &maps_.probs;
  block_.start = n * maps_.classes * maps_.pixels + start;
  block_.pixels = maps_.pixels;
  block_.weights = maps_.weights.empty() ? nullptr : maps_.weights.data() + at;
  const simd::CodeFlags flags =
      EncodeLabels(maps_.labels, at, block_.count, maps_.classes, maps_.ignore, block_.codes.data());
  block_.all = !flags.left_out && maps_.mask.empty();
  bool valid = !flags.invalid;
  if (flags.invalid) AddInvalid(block_.codes.data(), at, block_.count, findings_.labels);
  if (!maps_.mask.empty())
    PixelRowsLoops().leave_out(maps_.mask.data() + at, block_.count, block_.codes.data());
  for (int64_t i = 0; block_.weights && i < block_.count; ++i)
    if (!IsWeight(block_.weights[i])) {
      findings_.weights.Add(at + i);
      valid = false;
    }
  return (values_ == MapValues::kAny || CheckRows(at)) && valid;
}

bool BlockReader::CheckRows(int64_t at) {
  bool sure = true;
  for (int64_t c = 0; c < maps_.classes && sure; ++c)
    sure = InUnit(maps_.probs, block_.start + c * maps_.pixels, block_.count);
  if (sure) return true;
  bool valid = true;
  for (int64_t i = 0; i < block_.count; ++i) {
    int64_t c = 0;
    while (c < maps_.classes && IsProbability(ValueAt(maps_.probs, block_.start + c * maps_.pixels + i))) ++c;
    if (c == maps_.classes) continue;
    findings_.probs.Add(at + i);
    valid = false;
  }
  return valid;
}

void CheckMaps(const ProbabilityMaps& maps) {
  Require(maps.classes >= 1 && maps.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ",
          maps.classes);
  Require(maps.batch >= 1 && maps.pixels >= 1, "probs: expected at least one pixel, got ", maps.batch, " x ",
          maps.pixels);
  const int64_t count = CheckedProduct(maps.batch, maps.pixels);
  Require(Size(maps.probs) == CheckedProduct(count, maps.classes), "probs: expected ",
          CheckedProduct(count, maps.classes), " values, got ", Size(maps.probs));
  Require(Size(maps.labels) == count, "labels: expected ", count, " pixels, got ", Size(maps.labels));
  Require(maps.mask.empty() || std::ssize(maps.mask) == count, "mask: expected ", count, " pixels, got ",
          maps.mask.size());
  Require(maps.weights.empty() || std::ssize(maps.weights) == count, "weights: expected ", count,
          " pixels, got ", maps.weights.size());
}

int64_t BlockCount(const ProbabilityMaps& maps) { return maps.batch * BlocksPerImage(maps); }

int64_t ChunkBlocks(const ProbabilityMaps& maps, int64_t least) {
  return std::max(least, (BlockCount(maps) - 1) / kMostChunks + 1);
}

void RejectFindings(const ProbabilityMaps& maps, const Findings& findings) {
  if (findings.labels.count > 0)
    RejectLabels("labels", findings.labels, LabelAt(maps.labels, findings.labels.first), maps.classes);
  if (findings.probs.count > 0) {
    const int64_t pixel = findings.probs.first;
    int64_t at = pixel / maps.pixels * maps.classes * maps.pixels + pixel % maps.pixels, c = 0;
    for (; IsProbability(ValueAt(maps.probs, at)); at += maps.pixels) ++c;
    Require(false, "probs: expected probabilities in [0, 1], got ", ValueAt(maps.probs, at), " in class ", c,
            " at pixel ", pixel, " (", findings.probs.count.load(), " such pixels)");
  }
  const int64_t pixel = findings.weights.first;
  Require(findings.weights.count == 0, "weights: expected finite numbers of at least 0, got ",
          findings.weights.count > 0 ? maps.weights[pixel] : 0.0f, " at pixel ", pixel, " (",
          findings.weights.count.load(), " such pixels)");
}

}  // namespace pixelcal::cpu
