// Stands in for what a newer glibc offers and an older one lacks, so that a released addon loads on both. The
// compiler's static libraries, built against the newer one, ask for it.
#include <cstdint>

#if defined(__GLIBC__)
#include <dlfcn.h>
#include <link.h>

// From glibc 2.32 on, true in a process of one thread, where libstdc++ then counts references without
// atomics. Node has several.
#if __GLIBC_PREREQ(2, 32)
extern "C" [[gnu::visibility("hidden")]] char __libc_single_threaded;
char __libc_single_threaded = 0;
#endif

// From glibc 2.35 on, how libgcc finds the unwind tables of the code at an address.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
namespace {

struct Search {
  uintptr_t address;
  dl_find_object* result;
};

// Fills the result if the address is in this library.
int Visit(dl_phdr_info* info, size_t, void* data) {
  const auto& search = *static_cast<Search*>(data);
  bool inside = false;
  const ElfW(Phdr)* tables = nullptr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && search.address - begin < header.p_memsz) {
      inside = true;
      search.result->dlfo_map_start = reinterpret_cast<void*>(begin);
      search.result->dlfo_map_end = reinterpret_cast<void*>(begin + header.p_memsz);
    }
    if (header.p_type == PT_GNU_EH_FRAME) tables = &header;
  }
  if (!inside || tables == nullptr) return 0;
  search.result->dlfo_eh_frame = reinterpret_cast<void*>(info->dlpi_addr + tables->p_vaddr);
  return 1;
}

}  // namespace

extern "C" [[gnu::visibility("hidden")]] int _dl_find_object(void* address, dl_find_object* result) noexcept {
  *result = {};
  Search search{reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(Visit, &search) == 1 ? 0 : -1;
}
#endif
#endif
