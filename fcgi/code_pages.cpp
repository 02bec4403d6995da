#include "fcgi/code_pages.hpp"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace blobvalet::fcgi {
namespace {

/// A segment that is never written is the same as its file; one that is, by relocation at least, is not.
bool is_copy_of_file(const ElfW(Phdr) & segment) {
  return segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0;
}

void release(std::uintptr_t begin, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = begin / page * page;
  // What stays (it may be locked) stays; nothing but memory depends on it.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): ELF has integers for addresses
  (void)::madvise(reinterpret_cast<void*>(first), begin + bytes - first, MADV_DONTNEED);
}

int release_object(dl_phdr_info* object, std::size_t /*size*/, void* /*unused*/) {
  for (const auto& segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (is_copy_of_file(segment)) release(object->dlpi_addr + segment.p_vaddr, segment.p_memsz);
  }
  return 0;
}

}  // namespace

void release_code_pages() {
  ::dl_iterate_phdr(release_object, nullptr);
}

}  // namespace blobvalet::fcgi
