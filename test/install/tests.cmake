# SPDX-License-Identifier: MIT
# What a user gets: the shared library, the README's program, and what is installed.
if(UVCHAN_BUILD_SHARED)
  add_executable(names-shared "${CMAKE_CURRENT_LIST_DIR}/names.c")
  target_link_libraries(names-shared PRIVATE uvchan_shared)
  uvchan_add_test(names-shared $<TARGET_FILE:names-shared>)
  if(UVCHAN_HAS_VERSION_SCRIPT)
    uvchan_add_script(exports exports.sh "${CMAKE_NM}" $<TARGET_FILE:uvchan_shared>
      $<TARGET_FILE:names> "${uvchan_map}")
  endif()
endif()

if(NOT WIN32 AND NOT APPLE AND NOT UVCHAN_INJECT)
  uvchan_add_script(statics statics.sh "${CMAKE_NM}" $<TARGET_FILE:uvchan_static>)
endif()

uvchan_add_script(readme readme.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan_static>
  "${CMAKE_CURRENT_BINARY_DIR}")
if(NOT WIN32)
  uvchan_add_script(plugin plugin.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan_static>
    "${CMAKE_CURRENT_BINARY_DIR}")
endif()

# Each way to get the library. What a machine lacks for one is said, and that one left out.
uvchan_add_script(consumer consumer.sh "${CMAKE_COMMAND}" "${CMAKE_GENERATOR}"
  "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}")
uvchan_add_script(meson meson.sh "${CMAKE_COMMAND}" "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}")
set(with_redis "")
if(TARGET uvchan_redis_static)
  set(with_redis redis)
endif()
foreach(way guest kinds recipe deb packages alone)
  uvchan_add_script(${way} ${way}.sh "${CMAKE_COMMAND}" "${CMAKE_GENERATOR}"
    "${CMAKE_C_COMPILER}" ${with_redis})
endforeach()
# These compile the library, some of them more than once.
foreach(way guest recipe deb packages alone)
  set_tests_properties(${name_prefix}${way} PROPERTIES TIMEOUT 900)
endforeach()
set_tests_properties(${name_prefix}meson ${name_prefix}deb ${name_prefix}packages
  PROPERTIES SKIP_RETURN_CODE 77)
if(UVCHAN_BUILD_SHARED AND UVCHAN_HAS_VERSION_SCRIPT)
  uvchan_add_script(unversioned unversioned.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan_static>
    $<TARGET_FILE:uvchan_shared>)
endif()

# The description of the ABI is one of x86-64 and Linux, as gcc tells it.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND
  CMAKE_C_COMPILER_ID STREQUAL "GNU")
  uvchan_add_script(abi abi.sh "${CMAKE_C_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}")
  set_tests_properties(${name_prefix}abi PROPERTIES SKIP_RETURN_CODE 77)
endif()
