# SPDX-License-Identifier: MIT
# Sets UVCHAN_ATOMIC_LIBRARY: empty, or what 64-bit atomic operations need on this machine.
include(CheckCSourceCompiles)

set(uvchan_atomic_program "
#include <stdatomic.h>
#include <stdint.h>
static _Atomic uint64_t count;
int main(void) {
  uint64_t expected = 0;
  atomic_fetch_add(&count, 1);
  return atomic_compare_exchange_strong(&count, &expected, 2) ? 1 : (int)atomic_load(&count) - 1;
}")

set(UVCHAN_ATOMIC_LIBRARY "")
check_c_source_compiles("${uvchan_atomic_program}" UVCHAN_HAS_ATOMIC)
if(NOT UVCHAN_HAS_ATOMIC)
  set(CMAKE_REQUIRED_LIBRARIES atomic)
  check_c_source_compiles("${uvchan_atomic_program}" UVCHAN_HAS_LIBATOMIC)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT UVCHAN_HAS_LIBATOMIC)
    message(FATAL_ERROR
      "uvchan needs a C11 compiler with <stdatomic.h> and 64-bit atomic operations.")
  endif()
  set(UVCHAN_ATOMIC_LIBRARY atomic)
endif()
