#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pixelcal {

// Returns the CRC-32 of ZIP and PNG (ISO 3309) of bytes that follow others, whose CRC-32 is `start`.
uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t start = 0);

namespace internal {

// Continue a CRC-32, without the inversions at both ends; the second and third form multiply without carries,
// 16 and 64 bytes at a time, where the processor can, and take a multiple of 16 bytes, 64 and 256 at least.
uint32_t Crc32Bytes(uint32_t state, const uint8_t* bytes, size_t count);
bool HasCarrylessMultiply();
uint32_t Crc32Fast(uint32_t state, const uint8_t* bytes, size_t count);
bool HasWideMultiply();
uint32_t Crc32Wide(uint32_t state, const uint8_t* bytes, size_t count);

}  // namespace internal
}  // namespace pixelcal
