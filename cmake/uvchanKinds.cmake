# SPDX-License-Identifier: MIT
# Which libraries are built, and which one uvchan::uvchan is, in uvchan_kind: static or shared.
#
# Where BUILD_SHARED_LIBS says nothing, both are built at the top, and as a part of another project
# the static one alone; uvchan::uvchan is the static one. Where it says something, uvchan::uvchan is
# what it says, and the other kind is not built, but for the static one at the top, which the tests
# need. UVCHAN_BUILD_STATIC and UVCHAN_BUILD_SHARED overrule this.
if(NOT DEFINED UVCHAN_BUILD_STATIC)
  set(UVCHAN_BUILD_STATIC ON)
  if(BUILD_SHARED_LIBS AND NOT uvchan_is_top)
    set(UVCHAN_BUILD_STATIC OFF)
  endif()
endif()
if(NOT DEFINED UVCHAN_BUILD_SHARED)
  set(UVCHAN_BUILD_SHARED ${uvchan_is_top})
  if(DEFINED BUILD_SHARED_LIBS)
    set(UVCHAN_BUILD_SHARED ${BUILD_SHARED_LIBS})
  endif()
endif()

# A shared library with a static libuv inside would bring a second libuv into each program.
if(UVCHAN_BUILD_SHARED AND uvchan_libuv_is_static)
  message(STATUS "libuv is a static library here: uvchan is not built as a shared one")
  set(UVCHAN_BUILD_SHARED OFF)
  set(UVCHAN_BUILD_STATIC ON)
endif()

if(NOT UVCHAN_BUILD_STATIC AND NOT UVCHAN_BUILD_SHARED)
  message(FATAL_ERROR "UVCHAN_BUILD_STATIC and UVCHAN_BUILD_SHARED are both off.")
endif()
set(uvchan_kind static)
if(NOT UVCHAN_BUILD_STATIC OR (BUILD_SHARED_LIBS AND UVCHAN_BUILD_SHARED))
  set(uvchan_kind shared)
endif()
