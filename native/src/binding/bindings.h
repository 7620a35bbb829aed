#pragma once

#include <span>

#include "binding/task.h"

namespace pixelcal {

// The tables of the kernel families, each defined in the file of its name beside this one. To add a kernel:
//  1. declare it in src/FAMILY/KERNEL.h (namespace pixelcal::cpu; the same signature in pixelcal::cuda) and
//     write it in KERNEL.cc and KERNEL.cu: spans in, spans out, no allocation of results, no Node-API, shapes
//     checked by Require;
//  2. in src/binding/KERNEL.cc write `Task Name(Arguments& a)`: read everything by name, return {work,
//     result}; `work` captures plain C++ and Outputs by value and calls PIXELCAL_ON(on_cuda, Kernel(...));
//     add {"name", Name} to that file's table;
//  3. describe name and nameSync in the family's interface in types/*.d.ts (index.js needs no change);
//  4. give it a slow twin in test/reference.h and cases in test/KERNEL_test.cc; CMake finds new files itself;
//  5. wrap it in packages/core. src/binding/distance.cc is the shortest example.
std::span<const Entry> DistanceBindings();
std::span<const Entry> SignedDistanceBindings();
std::span<const Entry> MorphologyBindings();
std::span<const Entry> NeighborhoodBindings();
std::span<const Entry> BoundarySoftLabelBindings();
std::span<const Entry> CalibrationBindings();
std::span<const Entry> BoundaryCalibrationBindings();
std::span<const Entry> SurfaceDistanceBindings();
std::span<const Entry> CaseScoreBindings();  // one pass for all scores of a case: no twin on a device
std::span<const Entry> OptimizerBindings();
std::span<const Entry> LabelTargetBindings();
std::span<const Entry> LossTargetBindings();  // device: distances alone
std::span<const Entry> DeviceArrayBindings();
std::span<const Entry> StoredValueBindings();  // arrays of other programs: no twin on a device
std::span<const Entry> ComponentBindings();    // no twin on a device
std::span<const Entry> TemperatureBindings();  // no twin on a device
std::span<const Entry> PredictionBindings();   // checks of what files hold: no twin on a device
std::span<const Entry> CalibratorBindings();   // fits and applications: no twin on a device
std::span<const Entry> ResamplingBindings();   // sizes and augmentation: no twin on a device

// Frees a handle's device memory now; ignores a released handle and any other value.
Napi::Value ReleaseDeviceArray(const Napi::CallbackInfo& info);

}  // namespace pixelcal
