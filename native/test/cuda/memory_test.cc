#include "cuda_test.h"
#include "distance/distance.h"

using namespace pixelcal;

namespace {

const Grid kGrid = MakeGrid(1, std::array<int64_t, 2>{40, 50});

std::vector<float> Transform() {
  std::vector<uint8_t> mask(static_cast<size_t>(kGrid.Count()), 1);
  mask[7] = 0;
  std::vector<float> out(mask.size());
  cuda::DistanceTransform(mask, kGrid, {}, out);
  return out;
}

}  // namespace

CUDA_TEST(MemoryIsPooledAndGivenBack) {
  Transform();
  const size_t pooled = cuda::PooledBytes();
  CHECK(pooled > 0);
  Transform();
  CHECK(cuda::PooledBytes() == pooled, "a second call allocates nothing");
  cuda::ReleasePooled();
  CHECK(cuda::PooledBytes() == 0);
}

// Larger than the two staging blocks together, with an odd end.
CUDA_TEST(MemoryCopiesInChunks) {
  std::vector<unsigned char> from((9 << 20) + 5), to(from.size());
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<unsigned char>(i * 2654435761u >> 13);
  const cuda::DeviceMemory memory(from.size());
  CHECK(cuda::OnDevice(memory.data()) && !cuda::OnDevice(from.data()));
  memory.CopyFrom(from.data());
  memory.CopyTo(to.data());
  CHECK(from == to);
}

CUDA_TEST(KernelsTakeDeviceMemory) {
  std::vector<uint8_t> mask(static_cast<size_t>(kGrid.Count()), 1);
  mask[7] = 0;
  const cuda::DeviceMemory in(mask.size()), out(mask.size() * sizeof(float));
  in.CopyFrom(mask.data());
  cuda::DistanceTransform({static_cast<const uint8_t*>(in.data()), mask.size()}, kGrid, {},
                          {static_cast<float*>(out.data()), mask.size()});
  std::vector<float> result(mask.size());
  out.CopyTo(result.data());
  CHECK(result == Transform());
}

CUDA_TEST(OutOfMemoryIsClearAndTheNextCallWorks) {
  CHECK_THROWS(cuda::DeviceMemory(size_t{1} << 60),
               "cuda: out of device memory: wanted 1152921504606846976 bytes");
#if defined(PIXELCAL_CUDA_EMULATOR)
  const auto expected = Transform();
  cuda::ReleasePooled();
  cuda_emulator::SetMemoryLimit(9000);
  CHECK_THROWS(Transform(), "cuda: out of device memory: wanted");
  cuda_emulator::SetMemoryLimit();
  CHECK(Transform() == expected);
  // Memory kept by the pool is freed when other data needs the room.
  cuda_emulator::SetMemoryLimit(cuda_emulator::MemoryInUse() + 4096);
  const cuda::DeviceMemory other(cuda_emulator::MemoryInUse() + 50);
  CHECK(cuda::PooledBytes() == 0);
  cuda_emulator::SetMemoryLimit();
#endif
}

#if defined(PIXELCAL_CUDA_EMULATOR)
CUDA_TEST(NoDriverIsNoDevice) {
  CHECK(cuda::Available());
  cuda_emulator::SetDeviceCount(0);
  CHECK(!cuda::Available());
  cuda_emulator::SetDeviceCount(1);
}

CUDA_TEST(BatchIsOneLaunchSequence) {
  const auto launches = [](int64_t batch) {
    const Grid grid = MakeGrid(batch, std::array<int64_t, 3>{4, 5, 6});
    std::vector<uint8_t> mask(static_cast<size_t>(grid.Count()), 1);
    std::vector<float> out(mask.size());
    const int64_t before = cuda_emulator::Launches();
    cuda::DistanceTransform(mask, grid, {}, out);
    return cuda_emulator::Launches() - before;
  };
  CHECK(launches(1) == 3 && launches(7) == 3);
}
#endif
