#pragma once

#include <cstdint>

namespace pixelcal::cpu {

// A sum of whole multiples of 2^-40, exact far beyond 2^63 of them.
class FixedTotal {
 public:
  static constexpr int kFractionBits = 40;

  FixedTotal() = default;
  // Takes a whole number, and units that may exceed it.
  FixedTotal(uint64_t whole, uint64_t units) : whole_(whole) { Add(units); }

  void Add(uint64_t units) {
    fraction_ += units & kMask;
    whole_ += (units >> kFractionBits) + (fraction_ >> kFractionBits);
    fraction_ &= kMask;
  }
  void Add(const FixedTotal& other) {
    whole_ += other.whole_;
    Add(other.fraction_);
  }
  double Value() const { return static_cast<double>(whole_) + static_cast<double>(fraction_) * 0x1p-40; }

 private:
  static constexpr uint64_t kMask = (uint64_t{1} << kFractionBits) - 1;
  uint64_t whole_ = 0, fraction_ = 0;
};

}  // namespace pixelcal::cpu
