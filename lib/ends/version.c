/* SPDX-License-Identifier: MIT */
/* The version that the library was built as, which may be another than the header's that a program
 * was compiled with. Knows the header alone. Threads: any. */
#include <uvchan.h>

#define STRINGIFY_(n) #n
#define STRINGIFY(n) STRINGIFY_(n)

unsigned int uvchan_version(void) {
  return UVCHAN_VERSION_MAJOR << 16 | UVCHAN_VERSION_MINOR << 8 | UVCHAN_VERSION_PATCH;
}

const char* uvchan_version_string(void) {
  return STRINGIFY(UVCHAN_VERSION_MAJOR) "." STRINGIFY(UVCHAN_VERSION_MINOR) "." STRINGIFY(
      UVCHAN_VERSION_PATCH);
}
