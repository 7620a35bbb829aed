#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pixelcal {

// Returns the CRC-32 of ZIP and PNG (ISO 3309) of bytes that follow others, whose CRC-32 is `start`.
uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t start = 0);

namespace internal {

// Continue a CRC-32, without the inversions at both ends; the second form multiplies without carries, where
// the processor can, and takes a multiple of 16 bytes, 64 at least.
uint32_t Crc32Bytes(uint32_t state, const uint8_t* bytes, size_t count);
bool HasCarrylessMultiply();
uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes, size_t count);

}  // namespace internal
}  // namespace pixelcal
