#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pixelcal {

// SHA-256 (FIPS 180-4) of bytes that come in pieces.
class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void Update(std::span<const uint8_t> bytes);
  // Returns the digest of all bytes; the object is used up.
  Digest Finish();

 private:
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> rest_{};
  size_t held_ = 0;
  uint64_t length_ = 0;
};

namespace internal {

// Adds whole blocks of 64 bytes to a state; the second form uses the processor's instructions, where it has
// them.
void Sha256Blocks(uint32_t* state, const uint8_t* blocks, size_t count);
bool HasSha256Instructions();
void Sha256BlocksFast(uint32_t* state, const uint8_t* blocks, size_t count);

}  // namespace internal
}  // namespace pixelcal
