# SPDX-License-Identifier: MIT
# Whether the tests are built, in UVCHAN_BUILD_TESTS: where nobody has set it, at the top, where
# what they need is here. Where somebody has set it ON, what they need has to be here.
if(NOT DEFINED UVCHAN_BUILD_TESTS)
  set(UVCHAN_BUILD_TESTS ${uvchan_is_top})
  set(uvchan_tests_are_asked OFF)
else()
  set(uvchan_tests_are_asked ON)
endif()
if(NOT UVCHAN_BUILD_TESTS)
  return()
endif()

set(uvchan_tests_lack "")
find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
  set(uvchan_tests_lack "pkg-config, which is not here")
else()
  pkg_check_modules(CHECK QUIET IMPORTED_TARGET check)
  if(NOT CHECK_FOUND)
    set(uvchan_tests_lack "Check, the unit test framework, which pkg-config does not find (Debian, \
Arch, Homebrew: check; Fedora: check-devel; Alpine: check-dev)")
  endif()
endif()
if(NOT UVCHAN_BUILD_STATIC)
  set(uvchan_tests_lack "the static library, which UVCHAN_BUILD_STATIC leaves out")
endif()

if(uvchan_tests_lack AND uvchan_tests_are_asked)
  message(FATAL_ERROR "UVCHAN_BUILD_TESTS is ON, and the tests need ${uvchan_tests_lack}. \
Provide it, name its place in PKG_CONFIG_PATH where it is elsewhere, or leave the tests out with \
-DUVCHAN_BUILD_TESTS=OFF.")
elseif(uvchan_tests_lack)
  message(STATUS "The tests are left out: they need ${uvchan_tests_lack}")
  set(UVCHAN_BUILD_TESTS OFF)
endif()
