#include "base/cancel.h"

#include <utility>

namespace pixelcal {
namespace {

constinit thread_local const CancelFlag* current = nullptr;

}  // namespace

const CancelFlag* CurrentCancelFlag() { return current; }

CancelScope::CancelScope(const CancelFlag* flag) : outer_(std::exchange(current, flag)) {}
CancelScope::~CancelScope() { current = outer_; }

}  // namespace pixelcal
