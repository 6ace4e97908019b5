# SPDX-License-Identifier: MIT
# Makes the imported target uvchan::libuv, from the first of these that is here:
#
#   1. a target: uvchan::libuv itself, then this file does nothing; the one that UVCHAN_LIBUV names;
#      or one of libuv's, where it is built in the same tree or was found before
#   2. a module of pkg-config's that UVCHAN_LIBUV names, or that a directory in PKG_CONFIG_PATH has,
#      since somebody has named it
#   3. libuv's CMake package
#   4. pkg-config's libuv, or libuv-static: what it calls a libuv that was built static alone
#   5. a header and a library where compilers look
#
# Where it finds none, uvchan_libuv_missing says so. It sets uvchan_libuv_is_static, where that can
# be seen, and what pkg-config calls it: UVCHAN_LIBUV_MODULE_NAME, empty where that is not known.
# Installed too, since uvchanConfig.cmake needs the same target.
set(uvchan_libuv_is_static OFF)
if(TARGET uvchan::libuv)
  get_target_property(uvchan_libuv_type uvchan::libuv TYPE)
  if(uvchan_libuv_type STREQUAL "STATIC_LIBRARY")
    set(uvchan_libuv_is_static ON)
  endif()
  return()
endif()

set(uvchan_libuv_least 1.42)
set(uvchan_libuv_missing "uvchan needs libuv ${uvchan_libuv_least} or later, with its headers \
(Debian: libuv1-dev, Fedora: libuv-devel, Arch and Homebrew: libuv, Alpine: libuv-dev).")
set(uvchan_libuv_targets libuv::libuv libuv::uv uv libuv::uv_a uv_a unofficial::libuv::libuv)
if(UVCHAN_LIBUV)
  set(uvchan_libuv_targets "${UVCHAN_LIBUV}")
endif()

# Which of the targets is here, in `out`.
function(uvchan_libuv_target out)
  set(${out} "" PARENT_SCOPE)
  foreach(target IN LISTS uvchan_libuv_targets)
    if(TARGET "${target}")
      set(${out} "${target}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Says in `out` what is wrong with the version whose headers are in one of the directories: nothing
# where it is new enough, or there is no telling.
function(uvchan_libuv_check out)
  set(${out} "" PARENT_SCOPE)
  foreach(directory IN LISTS ARGN)
    if(NOT EXISTS "${directory}/uv/version.h")
      continue()
    endif()
    file(STRINGS "${directory}/uv/version.h" macros
      REGEX "^#define UV_VERSION_(MAJOR|MINOR) +[0-9]")
    string(REGEX REPLACE "[^0-9;]" "" version "${macros}")
    string(REPLACE ";" "." version "${version}")
    if(version VERSION_LESS uvchan_libuv_least)
      set(${out} "uvchan needs libuv ${uvchan_libuv_least} or later; ${directory} has ${version}."
        PARENT_SCOPE)
    endif()
    return()
  endforeach()
endfunction()

macro(uvchan_use_libuv_target)
  uvchan_libuv_target(uvchan_libuv_one)
  if(uvchan_libuv_one)
    get_target_property(uvchan_libuv_includes ${uvchan_libuv_one} INTERFACE_INCLUDE_DIRECTORIES)
    uvchan_libuv_check(uvchan_libuv_wrong ${uvchan_libuv_includes})
    if(uvchan_libuv_wrong)
      set(uvchan_libuv_missing "${uvchan_libuv_wrong}")
      return()
    endif()
    get_target_property(uvchan_libuv_type ${uvchan_libuv_one} TYPE)
    if(uvchan_libuv_type STREQUAL "STATIC_LIBRARY" OR uvchan_libuv_one MATCHES "uv_a$")
      set(uvchan_libuv_is_static ON)
    endif()
    add_library(uvchan::libuv INTERFACE IMPORTED)
    target_link_libraries(uvchan::libuv INTERFACE ${uvchan_libuv_one})
    set(UVCHAN_LIBUV_MODULE_NAME "")
    return()
  endif()
endmacro()

macro(uvchan_use_libuv_module) # (MODULE...): the first of them that is new enough
  set(uvchan_libuv_modules "")
  foreach(uvchan_libuv_one ${ARGN})
    list(APPEND uvchan_libuv_modules "${uvchan_libuv_one}>=${uvchan_libuv_least}")
  endforeach()
  pkg_search_module(UVCHAN_LIBUV QUIET IMPORTED_TARGET ${uvchan_libuv_modules})
  if(TARGET PkgConfig::UVCHAN_LIBUV)
    add_library(uvchan::libuv INTERFACE IMPORTED)
    target_link_libraries(uvchan::libuv INTERFACE PkgConfig::UVCHAN_LIBUV)
    # for a library that is named by its file, as -l:libuv.a
    target_link_directories(uvchan::libuv INTERFACE ${UVCHAN_LIBUV_LIBRARY_DIRS})
    if("${UVCHAN_LIBUV_LINK_LIBRARIES}" MATCHES "(^|[;/:])(lib)?uv(_a)?\\.a(;|$)")
      set(uvchan_libuv_is_static ON)
    endif()
    return()
  endif()
endmacro()

# 1
uvchan_use_libuv_target()

# 2
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  if(UVCHAN_LIBUV)
    uvchan_use_libuv_module(${UVCHAN_LIBUV})
  else()
    file(TO_CMAKE_PATH "$ENV{PKG_CONFIG_PATH}" uvchan_libuv_named)
    foreach(uvchan_libuv_one IN LISTS uvchan_libuv_named)
      if(EXISTS "${uvchan_libuv_one}/libuv.pc" OR EXISTS "${uvchan_libuv_one}/libuv-static.pc")
        uvchan_use_libuv_module(libuv libuv-static)
      endif()
    endforeach()
  endif()
endif()

# 3
find_package(libuv CONFIG QUIET)
uvchan_use_libuv_target()
if(UVCHAN_LIBUV)
  set(uvchan_libuv_missing "${uvchan_libuv_missing} UVCHAN_LIBUV says ${UVCHAN_LIBUV}, which is \
neither a target nor a module of that version that pkg-config knows.")
  return()
endif()

# 4
if(PKG_CONFIG_FOUND)
  uvchan_use_libuv_module(libuv libuv-static)
endif()

# 5
find_path(UVCHAN_LIBUV_INCLUDE_DIR uv.h)
find_library(UVCHAN_LIBUV_LIBRARY NAMES uv libuv uv_a)
mark_as_advanced(UVCHAN_LIBUV_INCLUDE_DIR UVCHAN_LIBUV_LIBRARY)
if(NOT UVCHAN_LIBUV_INCLUDE_DIR OR NOT UVCHAN_LIBUV_LIBRARY)
  return()
endif()
uvchan_libuv_check(uvchan_libuv_wrong "${UVCHAN_LIBUV_INCLUDE_DIR}")
if(uvchan_libuv_wrong)
  set(uvchan_libuv_missing "${uvchan_libuv_wrong}")
  return()
endif()
if(UVCHAN_LIBUV_LIBRARY MATCHES "uv(_a)?\\.a$")
  set(uvchan_libuv_is_static ON)
endif()

# A static libuv needs the threads and the dynamic linker of the C library too.
set(UVCHAN_LIBUV_MODULE_NAME "")
find_package(Threads QUIET)
add_library(uvchan::libuv UNKNOWN IMPORTED)
set_target_properties(uvchan::libuv PROPERTIES
  IMPORTED_LOCATION "${UVCHAN_LIBUV_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${UVCHAN_LIBUV_INCLUDE_DIR}"
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
