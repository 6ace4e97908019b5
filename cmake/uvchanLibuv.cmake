# Makes the imported target uvchan::libuv: by pkg-config, else by looking for the header and the
# library. A project that brings its own libuv defines a target of this name first, and this file
# then does nothing. Installed too, since uvchanConfig.cmake needs the same target.
#
# pkg-config knows libuv as libuv, and a libuv that was built static alone as libuv-static. Where
# both are here, libuv is taken unless UVCHAN_LIBUV names the other. UVCHAN_LIBUV_MODULE_NAME says
# which it was.
if(TARGET uvchan::libuv)
  return()
endif()

set(uvchan_libuv_least 1.42)

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  if(UVCHAN_LIBUV)
    pkg_check_modules(UVCHAN_LIBUV REQUIRED QUIET
      IMPORTED_TARGET ${UVCHAN_LIBUV}>=${uvchan_libuv_least})
    set(UVCHAN_LIBUV_MODULE_NAME "${UVCHAN_LIBUV}")
  else()
    pkg_search_module(UVCHAN_LIBUV QUIET
      IMPORTED_TARGET libuv>=${uvchan_libuv_least} libuv-static>=${uvchan_libuv_least})
  endif()
endif()

if(TARGET PkgConfig::UVCHAN_LIBUV)
  add_library(uvchan::libuv INTERFACE IMPORTED)
  target_link_libraries(uvchan::libuv INTERFACE PkgConfig::UVCHAN_LIBUV)
  # for a library that is named by its file, as -l:libuv.a
  target_link_directories(uvchan::libuv INTERFACE ${UVCHAN_LIBUV_LIBRARY_DIRS})
  return()
endif()

find_path(UVCHAN_LIBUV_INCLUDE_DIR uv.h)
find_library(UVCHAN_LIBUV_LIBRARY NAMES uv libuv uv_a)
mark_as_advanced(UVCHAN_LIBUV_INCLUDE_DIR UVCHAN_LIBUV_LIBRARY)
if(NOT UVCHAN_LIBUV_INCLUDE_DIR OR NOT UVCHAN_LIBUV_LIBRARY)
  message(FATAL_ERROR
    "uvchan needs libuv ${uvchan_libuv_least} or later, with its headers "
    "(Debian: libuv1-dev, Fedora: libuv-devel, "
    "Arch and Homebrew: libuv, Alpine: libuv-dev).")
endif()

file(STRINGS "${UVCHAN_LIBUV_INCLUDE_DIR}/uv/version.h" uvchan_libuv_macros
  REGEX "^#define UV_VERSION_(MAJOR|MINOR) +[0-9]+")
string(REGEX REPLACE "[^0-9;]" "" uvchan_libuv_found "${uvchan_libuv_macros}")
string(REPLACE ";" "." uvchan_libuv_found "${uvchan_libuv_found}")
if(uvchan_libuv_found VERSION_LESS uvchan_libuv_least)
  message(FATAL_ERROR
    "uvchan needs libuv ${uvchan_libuv_least} or later; "
    "${UVCHAN_LIBUV_INCLUDE_DIR} has ${uvchan_libuv_found}.")
endif()

add_library(uvchan::libuv UNKNOWN IMPORTED)
set_target_properties(uvchan::libuv PROPERTIES
  IMPORTED_LOCATION "${UVCHAN_LIBUV_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${UVCHAN_LIBUV_INCLUDE_DIR}")
