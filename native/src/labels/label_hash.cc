// Labels are narrowed or widened block by block; one thread, as every block of the hash needs the one before.
#include "labels/label_hash.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/cancel.h"

namespace pixelcal::cpu {
namespace {

constexpr size_t kBlock = 4096;

void Add(Sha256& hash, std::string_view text) {
  hash.Update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// Adds the labels converted to T.
template <class T, class Label>
void AddAs(Sha256& hash, std::span<const Label> labels) {
  std::array<T, kBlock> room;
  for (size_t at = 0; at < labels.size(); at += kBlock) {
    CheckCancelled(CurrentCancelFlag());
    const auto part = labels.subspan(at, std::min(kBlock, labels.size() - at));
    std::transform(part.begin(), part.end(), room.begin(), [](Label label) { return static_cast<T>(label); });
    hash.Update({reinterpret_cast<const uint8_t*>(room.data()), part.size() * sizeof(T)});
  }
}

}  // namespace

Sha256::Digest LabelHash(const LabelSpan& labels, std::string_view text) {
  Sha256 hash;
  std::visit(
      [&]<class Label>(std::span<const Label> all) {
        const bool narrow = std::ranges::all_of(all, [](Label label) { return label >= 0 && label <= 255; });
        Add(hash, narrow ? "1:" : "8:");
        Add(hash, text);
        if (narrow)
          AddAs<uint8_t>(hash, all);
        else
          AddAs<double>(hash, all);
      },
      labels);
  return hash.Finish();
}

}  // namespace pixelcal::cpu
