#pragma once

#include <cstdint>
#include <span>
#include <variant>

namespace pixelcal {

// A label map in the type it came in; kernels std::visit it once and never convert it.
using LabelSpan = std::variant<std::span<const uint8_t>, std::span<const int32_t>, std::span<const int64_t>>;

inline int64_t Size(const LabelSpan& labels) {
  return std::visit([](auto span) { return static_cast<int64_t>(span.size()); }, labels);
}

}  // namespace pixelcal
