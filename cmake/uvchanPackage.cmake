# SPDX-License-Identifier: MIT
# What `cpack` makes: an archive, or by `cpack -G DEB` packages of Debian's: for the shared library,
# for programs that are built with it, and for reading; and two more for uvchan-redis, where that is
# built. Where they are for a system rather than for /usr/local, the prefix is given:
# cmake -B build -DCMAKE_INSTALL_PREFIX=/usr.
#
# The maintainer of a package is who makes it: as Debian's own tools have it, DEBFULLNAME and
# DEBEMAIL of the environment, else the account on this machine.
set(uvchan_builder "$ENV{DEBFULLNAME}")
set(uvchan_address "$ENV{DEBEMAIL}")
if(NOT uvchan_builder)
  set(uvchan_builder "uvchan's builder")
endif()
if(NOT uvchan_address)
  cmake_host_system_information(RESULT uvchan_host QUERY FQDN)
  set(uvchan_account "$ENV{USER}")
  if(NOT uvchan_account)
    set(uvchan_account builder)
  endif()
  set(uvchan_address "${uvchan_account}@${uvchan_host}")
endif()

set(CPACK_PACKAGE_NAME uvchan)
set(CPACK_PACKAGE_VENDOR "The uvchan authors")
set(CPACK_PACKAGE_CONTACT "${uvchan_builder} <${uvchan_address}>")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_GENERATOR TGZ)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL uvchan_development uvchan_documentation)
if(TARGET uvchan_shared)
  list(APPEND CPACK_COMPONENTS_ALL uvchan_runtime)
endif()

# ---- Debian --------------------------------------------------------------------------------------

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(uvchan_runtime_package libuvchan${uvchan_abi})
set(uvchan_sentence "Channels carry values between threads and libuv loops: bounded or not, with
requests, select, time limits, wait groups, tickers and work pools.")

set(CPACK_DEBIAN_UVCHAN_RUNTIME_PACKAGE_NAME ${uvchan_runtime_package})
set(CPACK_DEBIAN_UVCHAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_UVCHAN_RUNTIME_DESCRIPTION "Go-style channels for libuv programs
${uvchan_sentence}
This is the shared library.")
set(CPACK_DEBIAN_UVCHAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/cmake/packages/debian/triggers")
find_program(UVCHAN_DPKG_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(UVCHAN_DPKG_SHLIBDEPS)
if(UVCHAN_DPKG_SHLIBDEPS)
  set(CPACK_DEBIAN_UVCHAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
else()
  set(CPACK_DEBIAN_UVCHAN_RUNTIME_PACKAGE_DEPENDS "libuv1")
endif()

set(CPACK_DEBIAN_UVCHAN_DEVELOPMENT_PACKAGE_NAME libuvchan-dev)
set(CPACK_DEBIAN_UVCHAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_UVCHAN_DEVELOPMENT_PACKAGE_DEPENDS "libuv1-dev (>= ${uvchan_libuv_least})")
if(TARGET uvchan_shared)
  string(APPEND CPACK_DEBIAN_UVCHAN_DEVELOPMENT_PACKAGE_DEPENDS
    ", ${uvchan_runtime_package} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
endif()
set(CPACK_DEBIAN_UVCHAN_DEVELOPMENT_DESCRIPTION "Go-style channels for libuv programs, to build with
${uvchan_sentence}
These are the headers and what links programs with the library.")

set(CPACK_DEBIAN_UVCHAN_DOCUMENTATION_PACKAGE_NAME libuvchan-doc)
set(CPACK_DEBIAN_UVCHAN_DOCUMENTATION_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_UVCHAN_DOCUMENTATION_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_UVCHAN_DOCUMENTATION_DESCRIPTION "Go-style channels for libuv programs, to read
${uvchan_sentence}
These are the documents.")

# Each component with its package.
set(uvchan_debian_packages runtime:${uvchan_runtime_package} development:libuvchan-dev
  documentation:libuvchan-doc)
include(uvchanPackageRedis)

# What Debian wants to see in each package, and nobody else: in no other installation.
string(TIMESTAMP uvchan_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/packages/debian/changelog.in changelog.Debian @ONLY)
find_program(UVCHAN_GZIP gzip)
mark_as_advanced(UVCHAN_GZIP)
if(UVCHAN_GZIP)
  execute_process(COMMAND "${UVCHAN_GZIP}" -9nkf changelog.Debian
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
  foreach(part IN LISTS uvchan_debian_packages)
    string(REGEX REPLACE ":.*" "" component "${part}")
    string(REGEX REPLACE ".*:" "" package "${part}")
    install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}"
      RENAME copyright COMPONENT uvchan_${component} EXCLUDE_FROM_ALL)
    install(FILES "${PROJECT_BINARY_DIR}/changelog.Debian.gz"
      DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}"
      COMPONENT uvchan_${component} EXCLUDE_FROM_ALL)
  endforeach()
endif()

# The man pages are compressed in the packages, since Debian has them so.
if(UVCHAN_GZIP AND NOT CMAKE_VERSION VERSION_LESS 3.19)
  set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/packages/debian/compress.cmake")
  set(CPACK_UVCHAN_GZIP "${UVCHAN_GZIP}")
endif()

include(CPack)
