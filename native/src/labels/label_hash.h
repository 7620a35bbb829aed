#pragma once

#include <span>
#include <string_view>

#include "base/sha256.h"
#include "base/span.h"

namespace pixelcal::cpu {

// Returns the SHA-256 of a text and of labels: "1:", the text and a byte per label if all are from 0 to 255,
// else "8:", the text and a double per label, so that equal numbers have equal hashes in any integer type.
Sha256::Digest LabelHash(const LabelSpan& labels, std::string_view text);

}  // namespace pixelcal::cpu
