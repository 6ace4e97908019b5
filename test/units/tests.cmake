# SPDX-License-Identifier: MIT
# The suites: one for each test-*.c.
file(GLOB suites CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/test-*.c")
foreach(source IN LISTS suites)
  get_filename_component(program "${source}" NAME_WE)
  string(REGEX REPLACE "^test-" "" name "${program}")
  add_executable(${program} "${source}")
  target_link_libraries(${program}
    PRIVATE uvchan_support)
  uvchan_add_test(${name} $<TARGET_FILE:${program}>)
endforeach()

# The same suites, whose callbacks are left by exceptions: for that a C++ compiler has to be here, of
# the C compiler's kind and for the same machine.
if(CMAKE_CXX_COMPILER AND CMAKE_CXX_COMPILER_ID STREQUAL CMAKE_C_COMPILER_ID
   AND NOT CMAKE_CROSSCOMPILING AND CMAKE_CXX_SIZEOF_DATA_PTR EQUAL CMAKE_C_SIZEOF_DATA_PTR)
  foreach(name leaving pool-leaving)
    add_executable(test-${name}-throw "${CMAKE_CURRENT_LIST_DIR}/test-${name}.c"
      "${CMAKE_CURRENT_LIST_DIR}/leaving.cc")
    target_compile_definitions(test-${name}-throw PRIVATE LEAVE_BY_THROW)
    target_link_libraries(test-${name}-throw PRIVATE uvchan_support)
    uvchan_add_test(${name}-throw $<TARGET_FILE:test-${name}-throw>)
  endforeach()
endif()

# The hub whose uv_async_init() fails on demand. The one of the library has the same names, and is
# left out by the linker.
add_library(failing_hub
  OBJECT "${PROJECT_SOURCE_DIR}/lib/wake/hub.c" "${PROJECT_SOURCE_DIR}/lib/wake/fork.c")
target_compile_definitions(failing_hub PRIVATE uv_async_init=uv_async_init_or_fail)
target_link_libraries(failing_hub PRIVATE uvchan_static)
target_include_directories(failing_hub PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_sources(test-async-fails PRIVATE $<TARGET_OBJECTS:failing_hub>)

# The same for a pool's threads, which can't be made on demand.
add_library(failing_threads OBJECT "${PROJECT_SOURCE_DIR}/lib/pool/threads.c")
target_compile_definitions(failing_threads
  PRIVATE uv_thread_create_ex=uv_thread_create_ex_or_fail)
target_link_libraries(failing_threads PRIVATE uvchan_static)
target_include_directories(failing_threads PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_sources(test-pool-threads PRIVATE $<TARGET_OBJECTS:failing_threads>)

# The steps of a channel whose clock is the test's.
add_library(steps_by_clock OBJECT "${PROJECT_SOURCE_DIR}/lib/channel/steps.c")
target_compile_definitions(steps_by_clock PRIVATE uv_hrtime=clock_of_test)
target_link_libraries(steps_by_clock PRIVATE uvchan_static)
target_include_directories(steps_by_clock PRIVATE "${PROJECT_SOURCE_DIR}/lib")
foreach(suite IN ITEMS aging aging-drops aging-admission aging-loop aging-threads)
  target_sources(test-${suite} PRIVATE $<TARGET_OBJECTS:steps_by_clock>)
endforeach()

# AddressSanitizer has a leak checker on Linux.
if(UVCHAN_SANITIZE STREQUAL "address" AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  add_executable(leak "${CMAKE_CURRENT_LIST_DIR}/leak.c")
  target_link_libraries(leak PRIVATE uvchan_static)
  uvchan_add_test(leak $<TARGET_FILE:leak>)
  set_tests_properties(${name_prefix}leak PROPERTIES
    PASS_REGULAR_EXPRESSION "leaked in 1 allocation")
endif()
