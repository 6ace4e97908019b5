# SPDX-License-Identifier: MIT
# The packages of uvchan-redis: its shared library, and what links programs with it. It is a part of
# uvchanPackage.cmake, of which it has the names.
if(NOT TARGET uvchan_redis_${uvchan_kind})
  return()
endif()
list(APPEND CPACK_COMPONENTS_ALL uvchan_redis_development)
list(APPEND uvchan_debian_packages redis_development:libuvchan-redis-dev)
set(uvchan_debian_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
set(uvchan_redis_sentence "A sink carries the values of a channel into a stream of a Redis server,
and a source from there into a channel on another machine.")

set(CPACK_DEBIAN_UVCHAN_REDIS_DEVELOPMENT_PACKAGE_NAME libuvchan-redis-dev)
set(CPACK_DEBIAN_UVCHAN_REDIS_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_UVCHAN_REDIS_DEVELOPMENT_PACKAGE_DEPENDS
  "libuvchan-dev (= ${uvchan_debian_version}), libhiredis-dev (>= ${uvchan_hiredis_least})")
set(CPACK_DEBIAN_UVCHAN_REDIS_DEVELOPMENT_DESCRIPTION "Go-style channels over Redis, to build with
${uvchan_redis_sentence}
This is the header and what links programs with the library.")
if(NOT TARGET uvchan_redis_shared)
  return()
endif()

list(APPEND CPACK_COMPONENTS_ALL uvchan_redis_runtime)
set(uvchan_redis_package libuvchan-redis${uvchan_redis_abi})
list(APPEND uvchan_debian_packages redis_runtime:${uvchan_redis_package})
string(APPEND CPACK_DEBIAN_UVCHAN_REDIS_DEVELOPMENT_PACKAGE_DEPENDS
  ", ${uvchan_redis_package} (= ${uvchan_debian_version})")
set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_NAME ${uvchan_redis_package})
set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_DESCRIPTION "Go-style channels over Redis streams
${uvchan_redis_sentence}
This is the shared library.")
set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/cmake/packages/debian/triggers")

# No tool can tell which package uvchan itself is in, since that is made in the same step. The one
# that tells hiredis' finds uvchan's library where it is built, from CMake 3.20 on.
set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_DEPENDS
  "${uvchan_runtime_package} (>= ${PROJECT_VERSION})")
if(UVCHAN_DPKG_SHLIBDEPS AND NOT CMAKE_VERSION VERSION_LESS 3.20)
  set(CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}")
else()
  string(APPEND CPACK_DEBIAN_UVCHAN_REDIS_RUNTIME_PACKAGE_DEPENDS
    ", libhiredis-dev (>= ${uvchan_hiredis_least})")
endif()
