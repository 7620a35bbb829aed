#pragma once

#include <napi.h>

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/shape.h"
#include "base/span.h"
#include "binding/borrowed_array.h"
#include "binding/device_array.h"
#include "binding/result_array.h"

namespace pixelcal {

template <class T>
struct Element;
#define PIXELCAL_ELEMENT(T, ARRAY, NAPI_TYPE)                    \
  template <>                                                    \
  struct Element<T> {                                            \
    static constexpr const char* kArray = ARRAY;                 \
    static constexpr napi_typedarray_type kNapiType = NAPI_TYPE; \
  };
PIXELCAL_ELEMENT(float, "Float32Array", napi_float32_array)
PIXELCAL_ELEMENT(double, "Float64Array", napi_float64_array)
PIXELCAL_ELEMENT(uint8_t, "Uint8Array", napi_uint8_array)
PIXELCAL_ELEMENT(uint16_t, "Uint16Array", napi_uint16_array)
PIXELCAL_ELEMENT(int32_t, "Int32Array", napi_int32_array)
PIXELCAL_ELEMENT(int64_t, "BigInt64Array", napi_bigint64_array)
PIXELCAL_ELEMENT(uint64_t, "BigUint64Array", napi_biguint64_array)
#undef PIXELCAL_ELEMENT

// A description of a value for the end of a message ("got null"); made only when the message is written.
struct Described {
  Napi::Value value;
  friend std::ostream& operator<<(std::ostream& out, const Described& described);
};

// Throws unless an array has the expected number of elements.
inline void RequireLength(const char* name, int64_t length, int64_t expected) {
  Require(length == expected, name, ": expected ", expected, " elements, got ", length);
}

// A result array: the caller's `out`, or a new array. Kernels write all of `span`; Task::result returns
// Value().
template <class T>
struct Output {
  std::span<T> span;
  Kept kept;
  // The block of a large new array, which keeps it alive while the kernel runs even if the environment ends.
  std::shared_ptr<std::byte> memory = nullptr;
  // The device memory of an array on a device; `kept` is its handle.
  std::shared_ptr<cuda::DeviceMemory> device = nullptr;
  Napi::Value Value() const { return kept->Value(); }
};

// The time a kernel runs: before the call returns, or on a thread of the pool while JavaScript continues.
enum class Timing { kSync, kAsync };

// The options object of a kernel call, read by name on the JS thread into plain C++. Each reader throws
// std::invalid_argument "name: expected X, got Y". Results are made after all inputs were read and compared:
// a binding calls RequireLength for its inputs before Out or New.
class Arguments {
 public:
  Arguments(Napi::Env env, Napi::Value options, Timing timing);

  Napi::Env env() const { return env_; }
  bool Has(const char* name) const { return !options_.Get(name).IsUndefined(); }
  bool IsArray(const char* name) const { return options_.Get(name).IsArray(); }
  Napi::Value Raw(const char* name) const { return options_.Get(name); }

  // Returns whether `device` is "cuda"; arrays may then be handles, and with `keep` the results are handles.
  bool OnCuda() {
    device_read_ = true;
    return on_cuda_;
  }
  // Throws where "cuda" was asked of a binding that never read the device: it has a kernel for the CPU alone.
  void CheckDevice(const char* name) const {
    Require(!on_cuda_ || device_read_, "device: expected cpu, the only device of ", name, ", got cuda");
  }
  // Returns the type of the typed array or handle `name`.
  std::optional<napi_typedarray_type> ElementType(const char* name) const;
  std::shared_ptr<cuda::DeviceMemory> DeviceMemoryOf(const char* name) const;

  // Reads an input. The array must be of T's typed array, attached, and neither resizable nor shared (other
  // code could shrink or change it under the kernel); byteOffset is respected. borrowed_array.h describes
  // what happens to an array that is taken away while the kernel runs.
  template <class T>
  std::span<const T> Array(const char* name) {
    return Borrow<T>(name, options_.Get(name), BorrowedArray::Access::kRead);
  }
  // Reads an optional input; the span is empty if the argument is absent.
  template <class T>
  std::span<const T> OptionalArray(const char* name) {
    return Has(name) ? Array<T>(name) : std::span<const T>();
  }
  // Reads a Uint8Array, Int32Array or BigInt64Array.
  LabelSpan Labels(const char* name);
  // Reads a Float32Array, Float16Array, or Uint16Array with the bits of float16.
  FloatSpan Floats(const char* name);
  // Reads an array of options objects with read(Arguments&). Errors name the object ("name[1].bins: ...");
  // its arrays are kept with this.
  template <class Read>
  void ForEach(const char* name, const Read& read) {
    const Napi::Value value = options_.Get(name);
    Require(value.IsArray(), name, ": expected an array of objects, got ", Described{value});
    const auto list = value.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) {
      const std::string item = std::string(name) + "[" + std::to_string(i) + "]";
      const Napi::Value options = list.Get(i);
      Require(options.IsObject() && !options.IsFunction(), item, ": expected an object, got ",
              Described{options});
      Arguments arguments(env_, options, timing_);
      try {
        read(arguments);
        arguments.CheckDevice(name);
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(item + "." + error.what());
      }
      kept_.insert(kept_.end(), arguments.kept_.begin(), arguments.kept_.end());
      arrays_.insert(arrays_.end(), arguments.arrays_.begin(), arguments.arrays_.end());
      for (auto& borrowed : arguments.borrowed_) borrowed_.push_back(std::move(borrowed));
      bytes_ += arguments.bytes_;
      elements_ += arguments.elements_;
    }
  }
  // Reads JavaScript arrays of typed arrays: inputs, or arrays that a kernel updates in place.
  template <class T>
  std::vector<std::span<const T>> Arrays(const char* name) {
    std::vector<std::span<const T>> spans;
    for (const std::span<T> span : BorrowAll<T>(name, BorrowedArray::Access::kRead)) spans.push_back(span);
    return spans;
  }
  template <class T>
  std::vector<std::span<T>> MutableArrays(const char* name) {
    return BorrowAll<T>(name, BorrowedArray::Access::kUpdate);
  }

  // Returns `name` if given (exactly `count` elements, apart from every input read before), else a new array.
  // Neither is zeroed: the kernel must write every element.
  template <class T>
  Output<T> Out(const char* name, int64_t count) {
    if (keep_) {
      Require(!Has(name), "keep: cannot be combined with ", name);
      return NewOnDevice<T>(count);
    }
    const Napi::Value value = options_.Get(name);
    if (value.IsUndefined()) return New<T>(count);
    const std::span<T> span = Borrow<T>(name, value, BorrowedArray::Access::kWrite);
    RequireLength(name, std::ssize(span), count);
    CheckApart();
    return {span, Keep(value)};
  }
  // Returns a handle over new device memory.
  template <class T>
  Output<T> NewOnDevice(int64_t count) {
    const auto length = static_cast<size_t>(count);
    const auto handle = NewDeviceArray(env_, Element<T>::kNapiType, length,
                                       static_cast<size_t>(CheckedProduct(count, sizeof(T))));
    const auto memory = DeviceArrayOf(env_, handle)->memory;
    Count(count, sizeof(T));
    return {std::span<T>(static_cast<T*>(memory->data()), length), Keep(handle), nullptr, memory};
  }
  template <class T>
  Output<T> New(int64_t count) {
    std::shared_ptr<std::byte> memory;
    void* data = nullptr;
    const Napi::Value array =
        NewResultArray(env_, Element<T>::kNapiType, Element<T>::kArray, count, sizeof(T), &data, &memory);
    Count(count, sizeof(T));
    return {std::span<T>(static_cast<T*>(data), static_cast<size_t>(count)), Keep(array), memory};
  }

  // Reads finite numbers; the forms with a fallback accept undefined.
  double Number(const char* name) const { return ToNumber(name, options_.Get(name)); }
  double Number(const char* name, double fallback) const {
    const Napi::Value value = options_.Get(name);
    return value.IsUndefined() ? fallback : ToNumber(name, value);
  }
  int64_t Integer(const char* name) const { return ToInteger(name, options_.Get(name)); }
  int64_t Integer(const char* name, int64_t fallback) const {
    const Napi::Value value = options_.Get(name);
    return value.IsUndefined() ? fallback : ToInteger(name, value);
  }
  // Reads the class count, 1 to kMaxClasses.
  int64_t Classes() const;
  bool Flag(const char* name, bool fallback) const;
  std::string Text(const char* name) const;
  std::vector<double> Numbers(const char* name) const;  // a plain array of numbers; empty when absent
  // Reads an array of arrays of integers.
  std::vector<std::vector<int64_t>> IntegerLists(const char* name) const;
  // Reads one of a few names.
  template <class E>
  E Choice(const char* name, std::initializer_list<std::pair<const char*, E>> choices) const {
    return Choose(name, options_.Get(name), choices);
  }
  template <class E>
  E Choice(const char* name, std::initializer_list<std::pair<const char*, E>> choices, E fallback) const {
    const Napi::Value value = options_.Get(name);
    return value.IsUndefined() ? fallback : Choose(name, value, choices);
  }

  // Reads the grid from the numbers `batch` (default 1) and `size` (1 to 3 numbers).
  Grid ReadGrid() const;
  // Reads `spacing`, one positive number per spatial dimension; ones if absent.
  std::array<double, 3> Spacing(const Grid& grid) const;

  // Throws if an array that was read is detached by now, which getters of later arguments can do. Called
  // right before a kernel starts.
  void CheckAttached() const;

  // Return the size of all arrays and results so far.
  int64_t bytes() const { return bytes_; }
  int64_t elements() const { return elements_; }

  // Returns results and device memory, to be destroyed on the JS thread.
  const std::vector<std::shared_ptr<const void>>& kept() const { return kept_; }
  // Takes the caller's arrays of an asynchronous call.
  std::vector<BorrowedArray> TakeBorrowed() { return std::move(borrowed_); }

 private:
  // An array that was read: its memory and its JavaScript buffer.
  struct Read {
    std::string name;
    const char* data;
    size_t bytes;
    napi_value buffer;
  };

  template <class T>
  std::span<T> Borrow(const std::string& name, Napi::Value value, BorrowedArray::Access access) {
    size_t length = 0;
    void* data =
        CheckedData(name, value, Element<T>::kNapiType, Element<T>::kArray, sizeof(T), access, &length);
    return {static_cast<T*>(data), length};
  }
  template <class T>
  std::vector<std::span<T>> BorrowAll(const char* name, BorrowedArray::Access access) {
    const Napi::Value value = options_.Get(name);
    Require(value.IsArray(), name, ": expected an array of ", Element<T>::kArray, ", got ", Described{value});
    const auto list = value.As<Napi::Array>();
    std::vector<std::span<T>> spans;
    for (uint32_t i = 0; i < list.Length(); ++i)
      spans.push_back(Borrow<T>(std::string(name) + "[" + std::to_string(i) + "]", list.Get(i), access));
    return spans;
  }
  template <class E>
  static E Choose(const char* name, Napi::Value value,
                  std::initializer_list<std::pair<const char*, E>> choices) {
    const std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
    for (const auto& [choice, meaning] : choices)
      if (value.IsString() && text == choice) return meaning;
    std::string expected;
    for (const auto& choice : choices) expected += (expected.empty() ? "" : ", ") + std::string(choice.first);
    Require(false, name, ": expected one of ", expected, ", got ", Described{value});
    return {};
  }
  Kept Keep(Napi::Value value);
  void Count(int64_t elements, size_t element) {
    elements_ += elements;
    bytes_ += elements * static_cast<int64_t>(element);
  }
  void* CheckedData(const std::string& name, Napi::Value value, napi_typedarray_type type,
                    const char* expected, size_t element, BorrowedArray::Access access, size_t* length);
  // Throws if the last array read overlaps an earlier one.
  void CheckApart() const;
  static double ToNumber(const char* name, Napi::Value value);
  static int64_t ToInteger(const char* name, Napi::Value value);

  Napi::Env env_;
  Napi::Object options_;
  Timing timing_;
  std::vector<Read> arrays_;
  std::vector<BorrowedArray> borrowed_;
  std::vector<std::shared_ptr<const void>> kept_;
  int64_t bytes_ = 0, elements_ = 0;
  bool on_cuda_ = false, keep_ = false, device_read_ = false;
};

}  // namespace pixelcal
