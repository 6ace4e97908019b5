# SPDX-License-Identifier: MIT
# Runs the port of cmake/packages/vcpkg with what it calls of vcpkg's, made of cmake itself:
# cmake -DLINKAGE=static|dynamic -DWORK=DIRECTORY -DC_COMPILER=COMPILER [-DFEATURES=redis] -P \
#   vcpkg.cmake
# What vcpkg does with the files of a package is checked as far as this: whether they are there.
cmake_minimum_required(VERSION 3.16)
set(PORT uvchan)
set(VCPKG_LIBRARY_LINKAGE ${LINKAGE})
set(CURRENT_PACKAGES_DIR "${WORK}/package")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}\n${said}")
  endif()
endfunction()

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" OUT_FEATURE_OPTIONS FEATURES)
  list(GET arg_FEATURES 0 feature)
  list(GET arg_FEATURES 1 option)
  if(feature IN_LIST FEATURES)
    set(${arg_OUT_FEATURE_OPTIONS} -D${option}=ON PARENT_SCOPE)
  else()
    set(${arg_OUT_FEATURE_OPTIONS} -D${option}=OFF PARENT_SCOPE)
  endif()
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH OPTIONS)
  set(shared OFF)
  if(LINKAGE STREQUAL "dynamic")
    set(shared ON)
  endif()
  run("${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${WORK}/build" ${arg_OPTIONS}
    "-DCMAKE_C_COMPILER=${C_COMPILER}" -DCMAKE_BUILD_TYPE=Debug
    -DBUILD_SHARED_LIBS=${shared} "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}"
    -DCMAKE_INSTALL_LIBDIR:STRING=lib)
endfunction()

function(vcpkg_cmake_install)
  run("${CMAKE_COMMAND}" --build "${WORK}/build" --parallel 2)
  run("${CMAKE_COMMAND}" --install "${WORK}/build")
endfunction()

function(need)
  foreach(file IN LISTS ARGN)
    if(NOT EXISTS "${file}")
      message(FATAL_ERROR "there is no ${file}")
    endif()
  endforeach()
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" CONFIG_PATH "")
  need("${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/uvchanConfig.cmake")
  file(COPY "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/"
    DESTINATION "${CURRENT_PACKAGES_DIR}/share/uvchan")
  file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}")
endfunction()

function(vcpkg_fixup_pkgconfig)
  need("${CURRENT_PACKAGES_DIR}/lib/pkgconfig/uvchan.pc")
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  need(${arg_FILE_LIST})
endfunction()

include("${CMAKE_CURRENT_LIST_DIR}/../../../cmake/packages/vcpkg/portfile.cmake")

need("${CURRENT_PACKAGES_DIR}/include/uvchan/pool.h" "${CURRENT_PACKAGES_DIR}/share/uvchan/usage")
set(place "${CURRENT_PACKAGES_DIR}/lib")
file(GLOB redis RELATIVE "${CURRENT_PACKAGES_DIR}" "${place}/*redis*"
  "${CURRENT_PACKAGES_DIR}/include/uvchan/redis.h"
  "${CURRENT_PACKAGES_DIR}/share/uvchan/uvchanRedisTargets.cmake")
list(LENGTH redis parts)
if(FEATURES STREQUAL "redis" AND parts LESS 3 OR NOT FEATURES AND redis)
  message(FATAL_ERROR "with the features \"${FEATURES}\" there is of uvchan-redis: ${redis}")
endif()
file(GLOB libraries RELATIVE "${place}" "${place}/libuvchan.*")
if(LINKAGE STREQUAL "static" AND NOT libraries STREQUAL "libuvchan.a"
   OR LINKAGE STREQUAL "dynamic" AND libraries MATCHES "libuvchan\\.a")
  message(FATAL_ERROR "with ${LINKAGE} the libraries are ${libraries}")
endif()
