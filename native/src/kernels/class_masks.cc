// Whole masks of every class, for kernels that work on masks: O(classes) bytes written a pixel.
#include "kernels/class_masks.h"

#include <algorithm>
#include <array>

#include "error.h"
#include "kernels/label_codes.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "simd/soft_labels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // codes of a block stay in L1 while every class reads them

}  // namespace

void ClassMasks(const LabelSpan& labels, int64_t batch, int64_t pixels, int64_t classes,
                std::optional<int64_t> ignore, std::span<uint8_t> masks) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(Size(labels) == batch * pixels, "labels: expected ", batch * pixels, " pixels, got ", Size(labels));
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  BadPixels bad;
  ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
    std::array<int16_t, kBlock> codes;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t n = item / blocks, start = item % blocks * kBlock;
      const int64_t at = n * pixels + start, count = std::min(kBlock, pixels - start);
      if (EncodeLabels(labels, at, count, classes, ignore, codes.data()).invalid)
        for (int64_t i = 0; i < count; ++i)
          if (codes[i] == simd::kInvalid) bad.Add(at + i);
      for (int64_t c = 0; c < classes; ++c)
        SoftLabelLoops().equal(codes.data(), count, static_cast<int16_t>(c), 1,
                               masks.data() + (n * classes + c) * pixels + start);
    }
  });
  if (bad.count > 0) RejectLabels("labels", bad, LabelAt(labels, bad.first), classes);
}

}  // namespace pixelcal::cpu
