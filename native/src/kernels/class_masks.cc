#include "kernels/class_masks.h"

#include <algorithm>
#include <array>

#include "error.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "targets.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // codes of a block stay in L1 while every class reads them
constexpr int16_t kIgnored = -1, kInvalid = -2;

// Whether every label is a class or ignored.
template <class Label>
inline bool EncodeLabels(const Label* labels, int64_t count, int64_t classes, std::optional<int64_t> ignore,
                         int16_t* codes) {
  const bool ignores = ignore.has_value();
  const int64_t ignored = ignore.value_or(0);
  bool valid = true;
  for (int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int64_t>(labels[i]);
    int16_t code = label >= 0 && label < classes ? static_cast<int16_t>(label) : kInvalid;
    code = ignores && label == ignored ? kIgnored : code;
    valid &= code != kInvalid;
    codes[i] = code;
  }
  return valid;
}

PIXELCAL_TARGETS bool Encode(const uint8_t* labels, int64_t count, int64_t classes,
                             std::optional<int64_t> ignore, int16_t* codes) {
  return EncodeLabels(labels, count, classes, ignore, codes);
}
PIXELCAL_TARGETS bool Encode(const int32_t* labels, int64_t count, int64_t classes,
                             std::optional<int64_t> ignore, int16_t* codes) {
  return EncodeLabels(labels, count, classes, ignore, codes);
}
PIXELCAL_TARGETS bool Encode(const int64_t* labels, int64_t count, int64_t classes,
                             std::optional<int64_t> ignore, int16_t* codes) {
  return EncodeLabels(labels, count, classes, ignore, codes);
}

PIXELCAL_TARGETS void Equal(const int16_t* codes, int64_t count, int16_t code, uint8_t* __restrict mask) {
  for (int64_t i = 0; i < count; ++i) mask[i] = codes[i] == code;
}

}  // namespace

void ClassMasks(const LabelSpan& labels, int64_t batch, int64_t pixels, int64_t classes,
                std::optional<int64_t> ignore, std::span<uint8_t> masks, std::span<uint8_t> ignored) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(Size(labels) == batch * pixels, "labels: expected ", batch * pixels, " pixels, got ", Size(labels));
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  BadPixels bad;
  std::visit(
      [&](auto span) {
        ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
          std::array<int16_t, kBlock> codes;
          for (int64_t item = begin; item < end; ++item) {
            const int64_t n = item / blocks, start = item % blocks * kBlock;
            const int64_t count = std::min(kBlock, pixels - start);
            const auto* source = span.data() + n * pixels + start;
            const bool valid = Encode(source, count, classes, ignore, codes.data());
            if (!valid)
              for (int64_t i = 0; i < count; ++i)
                if (codes[i] == kInvalid) bad.Add(n * pixels + start + i);
            for (int64_t c = 0; c < classes; ++c) {
              uint8_t* mask = masks.data() + (n * classes + c) * pixels + start;
              Equal(codes.data(), count, static_cast<int16_t>(c), mask);
            }
            if (!ignored.empty()) {
              uint8_t* mask = ignored.data() + n * pixels + start;
              Equal(codes.data(), count, kIgnored, mask);
            }
          }
        });
        if (bad.count > 0) RejectLabels("labels", bad, static_cast<int64_t>(span[bad.first]), classes);
      },
      labels);
}

}  // namespace pixelcal::cpu
