#include "kernels/probability_block.h"

#include <cmath>

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkBlocks = 16;

int64_t Blocks(const ProbabilityMaps& maps) { return (maps.pixels - 1) / kBlockPixels + 1; }

bool IsProbability(float p) { return p >= 0 && p <= 1; }
bool IsWeight(float w) { return w >= 0 && std::isfinite(w); }

struct Findings {
  BadPixels labels, probs, weights;
};

template <class Label>
bool ReadLabels(const ProbabilityMaps& maps, const Label* labels, int64_t at, ProbabilityBlock& block) {
  bool valid = true;
  for (int64_t i = 0; i < block.count; ++i) {
    const auto label = static_cast<int64_t>(labels[at + i]);
    int16_t code =
        label >= 0 && label < maps.classes ? static_cast<int16_t>(label) : ProbabilityBlock::kInvalid;
    if (maps.ignore && label == *maps.ignore) code = ProbabilityBlock::kLeftOut;
    valid &= code != ProbabilityBlock::kInvalid;
    block.label[i] = code;
  }
  if (!maps.mask.empty())
    for (int64_t i = 0; i < block.count; ++i)
      if (!maps.mask[at + i] && block.label[i] >= 0) block.label[i] = ProbabilityBlock::kLeftOut;
  return valid;
}

void CheckBlock(const ProbabilityMaps& maps, const ProbabilityBlock& block, int64_t at, Findings& findings) {
  bool valid = true;
  for (int64_t c = 0; c < maps.classes; ++c) {
    const float* p = block.probs + c * block.pixels;
    for (int64_t i = 0; i < block.count; ++i) valid &= IsProbability(p[i]);
  }
  for (int64_t i = 0; i < block.count && !valid; ++i) {
    bool good = true;
    for (int64_t c = 0; c < maps.classes; ++c) good &= IsProbability(block.probs[c * block.pixels + i]);
    if (!good) findings.probs.Add(at + i);
  }
  for (int64_t i = 0; block.weights && i < block.count; ++i)
    if (!IsWeight(block.weights[i])) findings.weights.Add(at + i);
}

template <class Label>
void Report(const ProbabilityMaps& maps, const Label* labels, const Findings& findings) {
  if (findings.labels.count > 0)
    RejectLabels("labels", findings.labels, static_cast<int64_t>(labels[findings.labels.first]),
                 maps.classes);
  if (findings.probs.count > 0) {
    const int64_t pixel = findings.probs.first;
    const float* p =
        maps.probs.data() + pixel / maps.pixels * maps.classes * maps.pixels + pixel % maps.pixels;
    int64_t c = 0;
    while (IsProbability(p[c * maps.pixels])) ++c;
    Require(false, "probs: expected probabilities in [0, 1], got ", p[c * maps.pixels], " in class ", c,
            " at pixel ", pixel, " (", findings.probs.count.load(), " such pixels)");
  }
  const int64_t pixel = findings.weights.first;
  Require(findings.weights.count == 0, "weights: expected finite numbers of at least 0, got ",
          findings.weights.count > 0 ? maps.weights[pixel] : 0.0f, " at pixel ", pixel, " (",
          findings.weights.count.load(), " such pixels)");
}

}  // namespace

void CheckMaps(const ProbabilityMaps& maps) {
  Require(maps.classes >= 1 && maps.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ",
          maps.classes);
  Require(maps.batch >= 1 && maps.pixels >= 1, "probs: expected at least one pixel, got ", maps.batch, " x ",
          maps.pixels);
  const int64_t count = CheckedProduct(maps.batch, maps.pixels);
  Require(std::ssize(maps.probs) == CheckedProduct(count, maps.classes), "probs: expected ",
          count * maps.classes, " values, got ", maps.probs.size());
  Require(Size(maps.labels) == count, "labels: expected ", count, " pixels, got ", Size(maps.labels));
  Require(maps.mask.empty() || std::ssize(maps.mask) == count, "mask: expected ", count, " pixels, got ",
          maps.mask.size());
  Require(maps.weights.empty() || std::ssize(maps.weights) == count, "weights: expected ", count,
          " pixels, got ", maps.weights.size());
}

int64_t ChunkCount(const ProbabilityMaps& maps) { return (maps.batch * Blocks(maps) - 1) / kChunkBlocks + 1; }

void ForBlocks(const ProbabilityMaps& maps, void (*body)(const ProbabilityBlock&, int64_t chunk, void* state),
               void* state) {
  const int64_t blocks = Blocks(maps);
  Findings findings;
  std::visit(
      [&](auto labels) {
        ParallelFor(maps.batch * blocks, kChunkBlocks, [&](int64_t begin, int64_t end) {
          ProbabilityBlock block;
          for (int64_t item = begin; item < end; ++item) {
            const int64_t n = item / blocks, start = item % blocks * kBlockPixels;
            const int64_t at = n * maps.pixels + start;
            block.probs = maps.probs.data() + n * maps.classes * maps.pixels + start;
            block.weights = maps.weights.empty() ? nullptr : maps.weights.data() + at;
            block.pixels = maps.pixels;
            block.count = std::min(kBlockPixels, maps.pixels - start);
            CheckBlock(maps, block, at, findings);
            if (ReadLabels(maps, labels.data(), at, block)) {
              body(block, begin / kChunkBlocks, state);
            } else {
              for (int64_t i = 0; i < block.count; ++i)
                if (block.label[i] == ProbabilityBlock::kInvalid) findings.labels.Add(at + i);
            }
          }
        });
        Report(maps, labels.data(), findings);
      },
      maps.labels);
}

}  // namespace pixelcal::cpu
