// One pass over the labels in their original type. Tested on an emulator, never yet run on a GPU.
#include "cuda/launch.h"
#include "labels/cuda_labels.h"

namespace pixelcal::cuda {
namespace {

template <class Label>
__global__ void Encode(const Label* labels, int64_t count, int64_t classes, bool ignores, int64_t ignored,
                       int16_t* codes, Finding* finding) {
  ForItems(count, [&](int64_t i) {
    const auto label = static_cast<int64_t>(labels[i]);
    int16_t code = label >= 0 && label < classes ? static_cast<int16_t>(label) : kInvalidCode;
    if (ignores && label == ignored) code = kLeftOutCode;
    if (code == kInvalidCode) Find(finding, i);
    codes[i] = code;
  });
}

}  // namespace

int16_t* EncodeLabels(Stream& stream, const LabelSpan& labels, int64_t classes, std::optional<int64_t> ignore,
                      Finding* finding) {
  const int64_t count = Size(labels);
  int16_t* codes = stream.Allocate<int16_t>(count);
  std::visit(
      [&](auto span) {
        using Label = typename decltype(span)::value_type;
        LaunchItems("Encode", Encode<Label>, count, stream, stream.In(span), count, classes,
                    ignore.has_value(), ignore.value_or(0), codes, finding);
      },
      labels);
  return codes;
}

}  // namespace pixelcal::cuda
