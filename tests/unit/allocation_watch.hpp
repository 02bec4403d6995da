#pragma once
#include <cstddef>

namespace blobvalet::testing {

/// Counts what this thread allocates while it lives, by operator new and by OpenSSL. One at a time.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;
  [[nodiscard]] std::size_t calls() const;
  [[nodiscard]] std::size_t bytes() const;
};

/// Looks at one block of memory at the very moment at which operator delete, or OpenSSL's, gets it. One at a
/// time.
class DeleteWatch {
 public:
  DeleteWatch(const void* block, std::size_t size);
  ~DeleteWatch();
  DeleteWatch(const DeleteWatch&) = delete;
  DeleteWatch& operator=(const DeleteWatch&) = delete;
  [[nodiscard]] bool deleted() const;
  /// True if every byte was zero by then.
  [[nodiscard]] bool was_wiped() const;
};

}  // namespace blobvalet::testing
