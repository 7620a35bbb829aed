#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "files/regular_file.h"

namespace pixelcal {

// An array that lies in an archive as it is in memory.
struct StoredArray {
  std::vector<int64_t> dims;
  int64_t position = 0, bytes = 0;  // of its elements
  uint32_t crc = 0, head_crc = 0;   // of the whole entry, and of its bytes before the elements
};

// The name of an array and its element type in NumPy's notation, of `bytes` each.
struct ArrayForm {
  std::string_view name, type;
  int64_t bytes;
};

// Returns the arrays of these forms in a ZIP archive that holds them and no others, as NumPy writes it: no
// entry packed or encrypted, no comments, sizes of 32 bits. Checks the index, the local headers and the NPY
// headers (version 1, C order). Returns nullopt for any other file.
std::optional<std::array<StoredArray, 2>> PlainArrays(const RegularFile& file,
                                                      const std::array<ArrayForm, 2>& forms);

}  // namespace pixelcal
