#include "files/stored_prediction.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/crc32.h"
#include "base/scratch.h"
#include "files/plain_archive.h"

namespace pixelcal::cpu {
namespace {

// An eighth of a usual second-level cache.
constexpr int64_t kPiece = 1 << 18;

// Reads an array by pieces: to(offset) is where the bytes from there on go, use(offset, bytes) sees them
// while they are in the cache. Returns whether the checksum is right.
template <class To, class Use>
bool ReadPieces(const RegularFile& file, const StoredArray& array, const To& to, const Use& use) {
  uint32_t crc = array.head_crc;
  for (int64_t at = 0; at < array.bytes; at += kPiece) {
    CheckCancelled(CurrentCancelFlag());
    const auto count = static_cast<size_t>(std::min(kPiece, array.bytes - at));
    uint8_t* const bytes = to(at);
    if (!file.Read(array.position + at, bytes, count)) return false;
    crc = Crc32({bytes, count}, crc);
    use(at, std::span<const uint8_t>(bytes, count));
  }
  return crc == array.crc;
}

}  // namespace

std::optional<StoredPrediction> ReadStoredPrediction(const std::string& path, std::optional<int64_t> classes,
                                                     std::optional<int64_t> ignore, std::span<float> probs,
                                                     std::span<uint8_t> labels) {
  if (path.find('\0') != std::string::npos) return std::nullopt;
  const RegularFile file(path);
  const auto arrays = PlainArrays(file, {{{"probs", "<f4", sizeof(float)}, {"label", "<i8", sizeof(int64_t)}}});
  if (!arrays) return std::nullopt;
  const auto& [values, map] = *arrays;
  const int64_t channels = values.dims[0], count = classes.value_or(std::max<int64_t>(2, channels));
  if (!std::equal(values.dims.begin() + 1, values.dims.end(), map.dims.begin(), map.dims.end()) || count > 256)
    return std::nullopt;
  StoredPrediction found;
  found.dims = values.dims;
  constexpr int64_t kWide = sizeof(int64_t);
  if (static_cast<int64_t>(probs.size_bytes()) != values.bytes || std::ssize(labels) * kWide != map.bytes)
    return found;
  auto* const bytes = reinterpret_cast<uint8_t*>(probs.data());
  const bool whole = ReadPieces(
      file, values, [=](int64_t at) { return bytes + at; }, [](int64_t, std::span<const uint8_t>) {});
  auto* const wide = Scratch<int64_t, struct WideLabels>(kPiece / kWide);
  const auto narrow = [&](int64_t at, std::span<const uint8_t> piece) {
    const int64_t first = at / kWide, pixels = std::ssize(piece) / kWide;
    const LabelSpan read = std::span<const int64_t>(wide, static_cast<size_t>(pixels));
    const StrayLabels stray = NarrowLabels(read, count, ignore, labels.subspan(first, pixels));
    if (found.stray.count == 0 && stray.count > 0) found.stray = {0, first + stray.first, stray.value};
    found.stray.count += stray.count;
  };
  found.read = whole && ReadPieces(
                            file, map, [=](int64_t) { return reinterpret_cast<uint8_t*>(wide); }, narrow);
  return found.read ? std::optional(std::move(found)) : std::nullopt;
}

}  // namespace pixelcal::cpu
