#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "labels/narrow_labels.h"

namespace pixelcal {

// A prediction as its file holds it.
struct StoredPrediction {
  std::vector<int64_t> dims;  // of the probabilities, [C, ...spatial]
  bool read = false;          // whether the spans had the arrays' sizes and hold them now
  StrayLabels stray;
};

namespace cpu {

// Reads a ZIP archive as NumPy stores it: `probs` (float32, [C, ...spatial]) and `label` (int64,
// [...spatial]), neither packed, and nothing else. Labels are narrowed to bytes as in NarrowLabels; `classes`
// is at most 256, by default the number of channels, at least 2. Each piece of the file stays in the cache
// while its checksum is computed and its labels are narrowed. Reads no array unless both spans have the sizes
// of the arrays. Returns nullopt for any other file, a damaged one, and one that cannot be read: a general
// reader says why. Throws Cancelled between two pieces.
std::optional<StoredPrediction> ReadStoredPrediction(const std::string& path, std::optional<int64_t> classes,
                                                     std::optional<int64_t> ignore, std::span<float> probs,
                                                     std::span<uint8_t> labels);

}  // namespace cpu
}  // namespace pixelcal
