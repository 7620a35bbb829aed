#include "files/stored_prediction.h"

#include <filesystem>
#include <fstream>

#include "base/crc32.h"
#include "check.h"

#if !defined(_WIN32)

namespace pixelcal::test {
namespace {

using Bytes = std::vector<uint8_t>;

void Put(Bytes& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}
void Put(Bytes& bytes, const std::string& text) { bytes.insert(bytes.end(), text.begin(), text.end()); }

template <class T>
Bytes Npy(const std::string& type, const std::string& shape, const std::vector<T>& values) {
  const std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
  Bytes bytes;
  Put(bytes, std::string("\x93NUMPY\x01\x00", 8));
  Put(bytes, text.size(), 2);
  Put(bytes, text);
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  bytes.insert(bytes.end(), data, data + values.size() * sizeof(T));
  return bytes;
}

// An archive of two stored entries, `extra` bytes between each local header and its data.
Bytes Archive(const std::string (&names)[2], const Bytes (&entries)[2], int extra) {
  Bytes bytes, index;
  for (int i = 0; i < 2; ++i) {
    const auto at = bytes.size(), size = entries[i].size();
    const uint32_t crc = Crc32(entries[i]);
    Put(bytes, 0x04034b50, 4);
    bytes.resize(at + 26);
    Put(bytes, names[i].size(), 2);
    Put(bytes, static_cast<uint64_t>(extra), 2);
    Put(bytes, names[i]);
    bytes.resize(bytes.size() + static_cast<size_t>(extra));
    bytes.insert(bytes.end(), entries[i].begin(), entries[i].end());
    Put(index, 0x02014b50, 4);
    index.resize(index.size() + 12);
    Put(index, crc, 4);
    Put(index, size, 4);
    Put(index, size, 4);
    Put(index, names[i].size(), 2);
    index.resize(index.size() + 12);
    Put(index, at, 4);
    Put(index, names[i]);
  }
  const size_t at = bytes.size();
  bytes.insert(bytes.end(), index.begin(), index.end());
  Put(bytes, 0x06054b50, 4);
  Put(bytes, 0, 4);
  Put(bytes, 2, 2);
  Put(bytes, 2, 2);
  Put(bytes, index.size(), 4);
  Put(bytes, at, 4);
  Put(bytes, 0, 2);
  return bytes;
}

// Writes bytes to a file and reads them as a prediction of these sizes.
std::optional<StoredPrediction> ReadBack(const Bytes& bytes, std::vector<float>& probs, Bytes& labels) {
  const auto path = std::filesystem::temp_directory_path() / "pixelcal-stored-prediction.npz";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  auto found = cpu::ReadStoredPrediction(path.string(), std::nullopt, 255, probs, labels);
  std::filesystem::remove(path);
  return found;
}

TEST(StoredPredictionReadsWhatWasWritten) {
  constexpr int64_t kPixels = 2 * 33000;  // more than a piece of labels
  std::vector<float> values(2 * kPixels), probs(values.size());
  std::vector<int64_t> map(kPixels);
  for (int64_t i = 0; i < 2 * kPixels; ++i) values[i] = static_cast<float>(i % 1000) / 1000;
  for (int64_t i = 0; i < kPixels; ++i) map[i] = i % 7 == 0 ? 255 : i % 2;
  const Bytes arrays[2] = {Npy("<f4", "2, 2, 33000", values), Npy("<i8", "2, 33000", map)};
  const Bytes swapped[2] = {arrays[1], arrays[0]};
  const std::string names[2] = {"probs.npy", "label.npy"}, others[2] = {"label.npy", "probs.npy"};
  for (const int extra : {0, 20, 300})
    for (const Bytes& bytes : {Archive(names, arrays, extra), Archive(others, swapped, extra)}) {
      Bytes labels(kPixels);
      const auto found = ReadBack(bytes, probs, labels);
      CHECK(found && found->read && found->stray.count == 0);
      CHECK((found->dims == std::vector<int64_t>{2, 2, 33000}));
      CHECK(probs == values && std::equal(labels.begin(), labels.end(), map.begin()));
      Bytes few(7);
      const auto other = ReadBack(bytes, probs, few);
      CHECK(other && !other->read && other->dims == found->dims);
    }
  map[40000] = int64_t{1} << 40;
  map[40001] = map[9] = -3;
  const Bytes wild[2] = {arrays[0], Npy("<i8", "2, 33000", map)};
  Bytes labels(kPixels);
  const auto found = ReadBack(Archive(names, wild, 0), probs, labels);
  CHECK(found && found->stray.count == 3 && found->stray.first == 9 && found->stray.value == -3);
}

TEST(StoredPredictionTakesNoOtherBytes) {
  const Bytes arrays[2] = {Npy("<f4", "2, 3", std::vector<float>(6, 0.5f)),
                           Npy("<i8", "3,", std::vector<int64_t>{0, 1, 1})};
  const std::string names[2] = {"probs.npy", "label.npy"};
  const Bytes good = Archive(names, arrays, 4);
  std::vector<float> probs(6);
  Bytes labels(3);
  CHECK(ReadBack(good, probs, labels)->read);
  for (size_t length = 0; length < good.size(); ++length)
    CHECK(!ReadBack({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}, probs, labels));
  for (size_t at = 0; at < good.size(); ++at)
    for (const uint8_t flip : {0x01, 0x80, 0xff}) {
      Bytes bytes = good;
      bytes[at] ^= flip;
      // Bytes without a meaning here may be any; a checksum stands for all others.
      if (const auto found = ReadBack(bytes, probs, labels); found && found->read)
        CHECK(probs == std::vector<float>(6, 0.5f) && labels == (Bytes{0, 1, 1}));
    }
}

}  // namespace
}  // namespace pixelcal::test

#endif
