# SPDX-License-Identifier: MIT
# The reference: each example runs, and prints what stands beside it; and each public name has a
# description and an example.
file(GLOB examples CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/examples/*.c")
foreach(source IN LISTS examples)
  get_filename_component(name "${source}" NAME_WE)
  if(name MATCHES "^redis") # these need more: see redis/tests.cmake
    continue()
  endif()
  add_executable(example-${name} "${source}")
  target_link_libraries(example-${name} PRIVATE uvchan_static)
  uvchan_add_script(example-${name} example.sh $<TARGET_FILE:example-${name}>
    "${PROJECT_SOURCE_DIR}/docs/examples/${name}.out" ${CMAKE_CROSSCOMPILING_EMULATOR})
endforeach()

find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_Interpreter_FOUND)
  uvchan_add_script(reference reference.sh "${Python3_EXECUTABLE}")
  set_tests_properties(${name_prefix}reference PROPERTIES SKIP_RETURN_CODE 77)
endif()

# The guides' programs are linked without CMake, to a library as it is installed.
if(NOT UVCHAN_SANITIZE AND NOT UVCHAN_COVERAGE AND NOT UVCHAN_PORTABLE AND NOT UVCHAN_INJECT AND
  NOT CMAKE_CROSSCOMPILING)
  uvchan_add_script(guides guides.sh "${CMAKE_C_COMPILER}" "${CMAKE_CXX_COMPILER}"
    $<TARGET_FILE:uvchan_static> "${CMAKE_CURRENT_BINARY_DIR}")
endif()
