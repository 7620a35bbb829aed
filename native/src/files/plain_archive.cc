// The ZIP archives of numpy.savez (APPNOTE.TXT of PKWARE) and the arrays in them (NEP 1), in the form that
// NumPy gives them. Every number is compared with the file's size before it is used.
#include "files/plain_archive.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "base/crc32.h"

namespace pixelcal {
namespace {

// The sizes of the end record, of a record of the index before its name, of a local header before its name
// and extra field, and of the locator of 64-bit sizes.
constexpr int64_t kEnd = 22, kRecord = 46, kLocal = 30, kLocator64 = 20;
constexpr uint32_t kEndSign = 0x06054b50, kRecordSign = 0x02014b50, kLocalSign = 0x04034b50,
                   kLocator64Sign = 0x07064b50;

// Reads the little-endian numbers of a header.
struct Fields {
  const uint8_t* bytes;
  uint32_t U16(int64_t at) const { return bytes[at] | static_cast<uint32_t>(bytes[at + 1]) << 8; }
  uint32_t U32(int64_t at) const { return U16(at) | U16(at + 2) << 16; }
};

struct Entry {
  std::string_view name;
  uint32_t crc;
  int64_t size, position;
};

// Reads the record of a stored entry. Returns nullopt if it is packed, encrypted or has further fields.
std::optional<Entry> EntryOf(const uint8_t* bytes, int64_t left) {
  const Fields record{bytes};
  if (left < kRecord || record.U32(0) != kRecordSign) return std::nullopt;
  const int64_t name = record.U16(28), size = record.U32(20), position = record.U32(42);
  constexpr uint32_t kEncrypted = 0x41, kNeeds64 = 0xffffffff;
  const bool plain = (record.U16(8) & kEncrypted) == 0 && record.U16(10) == 0 && size == record.U32(24) &&
                     record.U32(30) == 0 && std::max(size, position) < kNeeds64 && left >= kRecord + name;
  if (!plain) return std::nullopt;
  return Entry{{reinterpret_cast<const char*>(bytes) + kRecord, static_cast<size_t>(name)},
               record.U32(16),
               size,
               position};
}

// Takes `expected` from the front of `text`.
bool Take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// Reads the shape of a header that NumPy or PixelCal wrote. Returns nullopt for any other.
std::optional<std::vector<int64_t>> DimsOf(std::string_view text, std::string_view type) {
  constexpr size_t kMostDims = 4;
  if (!Take(text, "{'descr': '") || !Take(text, type) ||
      !Take(text, "', 'fortran_order': False, 'shape': ("))
    return std::nullopt;
  std::vector<int64_t> dims;
  while (dims.size() < kMostDims) {
    int32_t dim = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dim);
    if (error != std::errc() || dim < 1) return std::nullopt;
    dims.push_back(dim);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (dims.size() == 1 ? Take(text, ",)") : Take(text, ")")) break;
    if (!Take(text, ", ")) return std::nullopt;
  }
  if (!Take(text, ", }") || text.empty() || text.back() != '\n') return std::nullopt;
  text.remove_suffix(1);
  if (text.find_first_not_of(' ') != std::string_view::npos) return std::nullopt;
  return dims;
}

// Finds the elements of an entry, which fill it behind its NPY header.
std::optional<StoredArray> ArrayOf(const RegularFile& file, const Entry& entry, const ArrayForm& form) {
  uint8_t local[kLocal];
  if (!file.Read(entry.position, local, kLocal)) return std::nullopt;
  const Fields fields{local};
  const int64_t start = entry.position + kLocal + fields.U16(26) + fields.U16(28);
  if (fields.U32(0) != kLocalSign || start + entry.size > file.size()) return std::nullopt;
  constexpr int64_t kStart = 10;
  uint8_t head[256];
  const int64_t given = std::min<int64_t>(sizeof head, entry.size);
  if (given < kStart || !file.Read(start, head, static_cast<size_t>(given))) return std::nullopt;
  const int64_t end = kStart + Fields{head}.U16(8);
  if (std::memcmp(head, "\x93NUMPY\x01\x00", 8) != 0 || end > given) return std::nullopt;
  const auto dims =
      DimsOf({reinterpret_cast<const char*>(head) + kStart, static_cast<size_t>(end - kStart)}, form.type);
  if (!dims) return std::nullopt;
  const int64_t bytes = entry.size - end;
  int64_t rest = bytes / form.bytes;  // divided by one size after the other, as a product may overflow
  for (const int64_t dim : *dims) {
    if (rest % dim != 0) return std::nullopt;
    rest /= dim;
  }
  if (rest != 1 || bytes % form.bytes != 0) return std::nullopt;
  return StoredArray{*dims, start + end, bytes, entry.crc, Crc32({head, static_cast<size_t>(end)})};
}

}  // namespace

std::optional<std::array<StoredArray, 2>> PlainArrays(const RegularFile& file,
                                                      const std::array<ArrayForm, 2>& forms) {
  const std::array<std::string, 2> names{std::string(forms[0].name) + ".npy",
                                         std::string(forms[1].name) + ".npy"};
  const int64_t index = 2 * kRecord + static_cast<int64_t>(names[0].size() + names[1].size());
  std::vector<uint8_t> tail(static_cast<size_t>(index + kEnd));
  const int64_t at = file.size() - std::ssize(tail);
  if (at < 0 || !file.Read(at, tail.data(), tail.size())) return std::nullopt;
  const Fields end{tail.data() + index};
  // Two entries, on one disk, without a comment, and their index right before the end.
  if (end.U32(0) != kEndSign || end.U32(4) != 0 || end.U16(8) != 2 || end.U16(10) != 2 || end.U16(20) != 0 ||
      end.U32(12) != index || end.U32(16) != at || Fields{end.bytes - kLocator64}.U32(0) == kLocator64Sign)
    return std::nullopt;
  const auto first = EntryOf(tail.data(), index);
  if (!first) return std::nullopt;
  const int64_t width = kRecord + std::ssize(first->name);
  const auto second = EntryOf(tail.data() + width, index - width);
  if (!second || width + kRecord + std::ssize(second->name) != index) return std::nullopt;
  const bool swapped = first->name == names[1];
  const Entry &own = swapped ? *second : *first, &other = swapped ? *first : *second;
  const auto &lower = own.position < other.position ? own : other, &upper = &lower == &own ? other : own;
  if (own.name != names[0] || other.name != names[1] || upper.position < lower.position + kLocal + lower.size)
    return std::nullopt;
  auto of_first = ArrayOf(file, own, forms[0]), of_second = ArrayOf(file, other, forms[1]);
  if (!of_first || !of_second) return std::nullopt;
  return std::array{*std::move(of_first), *std::move(of_second)};
}

}  // namespace pixelcal
