// Arg-max over classes and confusion matrices on the device, O(pixels x classes) and O(pixels); whole counts,
// so any order gives the same result. Tested on an emulator, never yet run on a GPU.
#include "calibration/cuda_probabilities.h"
#include "labels/bad_pixels.h"
#include "overlap/confusion.h"

namespace pixelcal::cuda {
namespace {

constexpr int64_t kSharedCells = 4096;
constexpr int64_t kChunkPixels = 16384;

template <class Value, class Class>
__global__ void TakeLargest(const Value* values, int64_t count, int64_t pixels, int64_t classes, Class* out,
                            Finding* finding) {
  ForItems(count, [&](int64_t i) {
    const Value* at = values + i / pixels * classes * pixels + i % pixels;
    float best = Widened(at[0]);
    int64_t winner = 0;
    bool nan = best != best;
    for (int64_t c = 1; c < classes; ++c) {
      const float value = Widened(at[c * pixels]);
      nan = nan || value != value;
      if (value > best) {
        best = value;
        winner = c;
      }
    }
    if (nan) Find(finding, i);
    out[i] = static_cast<Class>(winner);
  });
}

// Each block adds a chunk of one image, in shared memory if the matrix fits there.
__global__ void CountPairs(const int16_t* predicted, const int16_t* labels, const uint8_t* mask,
                           int64_t images, int64_t pixels, int64_t classes, unsigned long long* counts) {
  unsigned* shared = reinterpret_cast<unsigned*>(SharedBytes());
  const int64_t cells = classes * classes, chunks = (pixels - 1) / kChunkPixels + 1;
  const bool fits = cells <= kSharedCells;
  for (int64_t item = blockIdx.x; item < images * chunks; item += gridDim.x) {
    const int64_t image = item / chunks, begin = image * pixels + item % chunks * kChunkPixels;
    const int64_t end = Least((image + 1) * pixels, begin + kChunkPixels);
    for (int64_t cell = threadIdx.x; fits && cell < cells; cell += blockDim.x) shared[cell] = 0;
    __syncthreads();
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      if (labels[i] < 0 || predicted[i] < 0 || (mask && mask[i] == 0)) continue;
      const int64_t cell = static_cast<int64_t>(labels[i]) * classes + predicted[i];
      if (fits)
        atomicAdd(&shared[cell], 1u);
      else
        atomicAdd(&counts[image * cells + cell], 1ull);
    }
    __syncthreads();
    for (int64_t cell = threadIdx.x; fits && cell < cells; cell += blockDim.x)
      if (shared[cell] > 0)
        atomicAdd(&counts[image * cells + cell], static_cast<unsigned long long>(shared[cell]));
    __syncthreads();
  }
}

__global__ void CountsToDoubles(const unsigned long long* counts, int64_t count, double* out) {
  ForItems(count, [&](int64_t i) { out[i] = static_cast<double>(counts[i]); });
}

void CheckClasses(int64_t classes) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
}

}  // namespace

void ArgMax(const FloatSpan& values, int64_t batch, int64_t classes, int64_t pixels, const ClassSpan& out) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels);
  Require(Size(values) == CheckedProduct(count, classes), "values: expected ", CheckedProduct(count, classes),
          ", got ", Size(values));
  Findings findings;
  std::visit(
      [&](auto source, auto target) {
        using Value = std::remove_const_t<typename decltype(source)::element_type>;
        using Class = typename decltype(target)::element_type;
        Require(std::ssize(target) == count, "out: expected ", count, " pixels, got ", target.size());
        Require(classes - 1 <= std::numeric_limits<Class>::max(), "out: expected a type that holds class ",
                classes - 1, ", got ", 8 * sizeof(Class), " bits");
        ForPieces(batch, (HostBytes(source) + HostBytes(target)) / batch,
                  [&](Stream& stream, int64_t first, int64_t images) {
                    const int64_t from = first * pixels, piece = images * pixels;
                    Finding* finding = findings.Add(stream);
                    const Value* in = stream.In(Part(source, from * classes, piece * classes));
                    LaunchItems("TakeLargest", TakeLargest<Value, Class>, piece, stream, in, piece, pixels,
                                classes, stream.Out(Part(target, from, piece)), finding);
                  });
      },
      values, out);
  if (!findings.Any()) return;
  HostCopies copies;
  std::vector<int32_t> unused(static_cast<size_t>(count));
  cpu::ArgMax(copies(values), batch, classes, pixels, std::span(unused));  // throws, saying which
}

void ConfusionCounts(const LabelSpan& predicted, const LabelSpan& labels, int64_t batch, int64_t classes,
                     int64_t pixels, std::optional<int64_t> ignore, std::span<const uint8_t> mask,
                     std::span<double> counts) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels), cells = classes * classes;
  Require(Size(predicted) == count, "predicted: expected ", count, " pixels, got ", Size(predicted));
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(mask.empty() || std::ssize(mask) == count, "mask: expected ", count, " pixels, got ", mask.size());
  Require(std::ssize(counts) == CheckedProduct(batch, cells), "counts: expected ",
          CheckedProduct(batch, cells), " values, got ", counts.size());
  Findings findings;
  const int64_t chunks = (pixels - 1) / kChunkPixels + 1;
  ForPieces(batch, (HostBytes(predicted) + HostBytes(labels) + HostBytes(mask)) / batch,
            [&](Stream& stream, int64_t first, int64_t images) {
              const int64_t from = first * pixels, piece = images * pixels;
              Finding *bad_labels = findings.Add(stream), *bad_predicted = findings.Add(stream);
              const int16_t* is =
                  EncodeLabels(stream, Part(labels, from, piece), classes, ignore, bad_labels);
              const int16_t* seen =
                  EncodeLabels(stream, Part(predicted, from, piece), classes, std::nullopt, bad_predicted);
              auto* sums = stream.Zeros<unsigned long long>(images * cells);
              Launch("CountPairs", CountPairs, std::min<int64_t>(images * chunks, 1 << 20), kItemThreads,
                     cells <= kSharedCells ? static_cast<size_t>(cells) * 4 : 0, stream, seen, is,
                     stream.In(Part(mask, from, piece)), images, pixels, classes, sums);
              LaunchItems("CountsToDoubles", CountsToDoubles, images * cells, stream, sums, images * cells,
                          stream.Out(Part(counts, first * cells, images * cells)));
            });
  if (!findings.Any()) return;
  // A predicted class outside is no error where the label is ignored; the CPU's kernel finds the errors.
  HostCopies copies;
  std::vector<double> unused(counts.size());
  cpu::ConfusionCounts(copies(predicted), copies(labels), batch, classes, pixels, ignore, copies(mask),
                       unused);
}

}  // namespace pixelcal::cuda
