#pragma once

#include <sstream>
#include <stdexcept>

namespace pixelcal {

// Throws std::invalid_argument with the concatenated message unless `condition` holds. Messages read
// "argument: expected X, got Y"; the text before the first colon is the argument's name.
template <class... Parts>
void Require(bool condition, Parts&&... message) {
  if (condition) [[likely]]
    return;
  std::ostringstream text;
  (text << ... << message);
  throw std::invalid_argument(text.str());
}

}  // namespace pixelcal
