# SPDX-License-Identifier: MIT
# Makes the imported target uvchan::hiredis, where hiredis is here: by pkg-config, or where
# compilers look; uvchan_hiredis_missing says what is needed. Installed too, since a static
# uvchan-redis needs the same target.
set(uvchan_hiredis_least 0.14)
set(uvchan_hiredis_missing "hiredis ${uvchan_hiredis_least} or later, with its headers (Debian: \
libhiredis-dev; Fedora: hiredis-devel; Alpine: hiredis-dev; Arch, Homebrew: hiredis)")
if(TARGET uvchan::hiredis)
  return()
endif()
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(UVCHAN_HIREDIS_PC QUIET "hiredis>=${uvchan_hiredis_least}")
endif()
set(UVCHAN_HIREDIS_HAS_MODULE ${UVCHAN_HIREDIS_PC_FOUND})

# Some modules name the folder that hiredis.h is in, others the one above it, which is wanted.
set(uvchan_hiredis_hints ${UVCHAN_HIREDIS_PC_INCLUDE_DIRS})
foreach(directory IN LISTS UVCHAN_HIREDIS_PC_INCLUDE_DIRS)
  list(APPEND uvchan_hiredis_hints "${directory}/..")
endforeach()
find_path(UVCHAN_HIREDIS_INCLUDE_DIR hiredis/async.h HINTS ${uvchan_hiredis_hints})
find_library(UVCHAN_HIREDIS_LIBRARY hiredis HINTS ${UVCHAN_HIREDIS_PC_LIBRARY_DIRS})
mark_as_advanced(UVCHAN_HIREDIS_INCLUDE_DIR UVCHAN_HIREDIS_LIBRARY)
if(NOT UVCHAN_HIREDIS_INCLUDE_DIR OR NOT UVCHAN_HIREDIS_LIBRARY)
  return()
endif()

file(STRINGS "${UVCHAN_HIREDIS_INCLUDE_DIR}/hiredis/hiredis.h" uvchan_hiredis_version
  REGEX "^#define HIREDIS_(MAJOR|MINOR) +[0-9]+")
string(REGEX REPLACE "[^0-9;]" "" uvchan_hiredis_version "${uvchan_hiredis_version}")
string(REPLACE ";" "." uvchan_hiredis_version "${uvchan_hiredis_version}")
if(uvchan_hiredis_version VERSION_LESS uvchan_hiredis_least)
  return()
endif()
add_library(uvchan::hiredis UNKNOWN IMPORTED)
set_target_properties(uvchan::hiredis PROPERTIES IMPORTED_LOCATION "${UVCHAN_HIREDIS_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${UVCHAN_HIREDIS_INCLUDE_DIR}")
