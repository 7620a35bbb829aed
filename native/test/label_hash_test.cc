#include "labels/label_hash.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "cases.h"
#include "check.h"

namespace pixelcal::test {
namespace {

std::string Hex(const Sha256::Digest& digest) {
  std::string text;
  for (const uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string HashOf(const std::vector<uint8_t>& bytes, size_t piece) {
  Sha256 hash;
  for (size_t at = 0; at < bytes.size(); at += piece)
    hash.Update(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
  return Hex(hash.Finish());
}

TEST(Sha256OfTheStandardsExamples) {
  for (const size_t piece : {size_t{1}, size_t{63}, size_t{64}, size_t{1000}}) {
    CHECK(HashOf({}, piece) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(HashOf(Bytes("abc"), piece) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(HashOf(Bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), piece) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(HashOf(std::vector<uint8_t>(1000000, 'a'), piece) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(Sha256InstructionsEqualTheLoop) {
  if (!internal::HasSha256Instructions()) return Skip("this processor has no such instructions");
  Noise noise(3);
  std::vector<uint8_t> bytes(64 * 9);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(noise.Next());
  for (size_t blocks = 0; blocks <= 9; ++blocks) {
    uint32_t slow[8], fast[8];
    for (int i = 0; i < 8; ++i) slow[i] = fast[i] = static_cast<uint32_t>(noise.Next());
    internal::Sha256Blocks(slow, bytes.data(), blocks);
    internal::Sha256BlocksFast(fast, bytes.data(), blocks);
    CHECK(std::memcmp(slow, fast, sizeof slow) == 0, blocks, " blocks");
  }
}

TEST(EqualLabelsHaveEqualHashes) {
  std::vector<uint8_t> bytes(9001);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i % 256);
  std::vector<int32_t> ints(bytes.begin(), bytes.end());
  std::vector<int64_t> longs(bytes.begin(), bytes.end());
  std::vector<uint8_t> all = Bytes("1:9001:");
  all.insert(all.end(), bytes.begin(), bytes.end());
  const std::string expected = HashOf(all, 64);
  CHECK(Hex(cpu::LabelHash(std::span<const uint8_t>(bytes), "9001:")) == expected);
  CHECK(Hex(cpu::LabelHash(std::span<const int32_t>(ints), "9001:")) == expected);
  CHECK(Hex(cpu::LabelHash(std::span<const int64_t>(longs), "9001:")) == expected);

  ints[9000] = longs[9000] = -1;
  const std::vector<double> numbers(ints.begin(), ints.end());
  const auto* at = reinterpret_cast<const uint8_t*>(numbers.data());
  all = Bytes("8:9001:");
  all.insert(all.end(), at, at + numbers.size() * sizeof(double));
  CHECK(Hex(cpu::LabelHash(std::span<const int32_t>(ints), "9001:")) == HashOf(all, 64));
  CHECK(Hex(cpu::LabelHash(std::span<const int64_t>(longs), "9001:")) == HashOf(all, 64));
}

}  // namespace
}  // namespace pixelcal::test
