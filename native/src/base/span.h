#pragma once

#include <cstdint>
#include <span>
#include <variant>

namespace pixelcal {

// A label map in its original type; kernels std::visit it once and never convert it.
using LabelSpan = std::variant<std::span<const uint8_t>, std::span<const int32_t>, std::span<const int64_t>>;

// An array of float32, or of float16 as its bits; widened block by block, never as a whole.
using FloatSpan = std::variant<std::span<const float>, std::span<const uint16_t>>;

template <class... Spans>
int64_t Size(const std::variant<Spans...>& any) {
  return std::visit([](auto span) { return static_cast<int64_t>(span.size()); }, any);
}

}  // namespace pixelcal
