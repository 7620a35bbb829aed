// Whole masks of every class, for kernels that work on masks: O(classes) bytes written per pixel.
#include "soft_labels/class_masks.h"

#include "base/error.h"
#include "base/shape.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"
#include "soft_labels/soft_labels_loops.h"

namespace pixelcal::cpu {

void ClassMasks(const LabelSpan& labels, int64_t batch, int64_t pixels, int64_t classes,
                std::optional<int64_t> ignore, std::span<uint8_t> masks) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  const int64_t count = CheckedProduct(batch, pixels);
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(std::ssize(masks) == CheckedProduct(count, classes), "masks: expected ",
          CheckedProduct(count, classes), " pixels, got ", masks.size());
  ForCodes(labels, batch, pixels, classes, ignore,
           [&](int64_t n, int64_t start, int64_t count, const int16_t* codes) {
             for (int64_t c = 0; c < classes; ++c)
               SoftLabelLoops().equal(codes, count, static_cast<int16_t>(c), 1,
                                      masks.data() + (n * classes + c) * pixels + start);
           });
}

}  // namespace pixelcal::cpu
