# SPDX-License-Identifier: MIT
# Tests of demo/server: servers on 127.0.0.1 at ports that the system chooses. In the build as it is
# released the loads are those that the tests tell of; in the others they are short ones.
find_package(Python3 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  return()
endif()

if(name_prefix)
  list(APPEND environment UVCHAN_SHORT=1)
endif()

# uvchan_add_server_test(NAME ARGUMENT...)
function(uvchan_add_server_test name)
  uvchan_add_test(server-${name} "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/server-${name}.py" ${ARGN} $<TARGET_FILE:server>)
  set_tests_properties(${name_prefix}server-${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# How the core's threads sleep shows under loads and at the end, and in nothing else.
if(UVCHAN_PORTABLE)
  uvchan_add_server_test(close)
  uvchan_add_server_test(load)
  return()
endif()

uvchan_add_server_test(conformance)
if(TARGET server-http_parser)
  uvchan_add_test(server-conformance-http_parser "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/server-conformance.py" $<TARGET_FILE:server-http_parser>)
endif()
# The door alone: the test takes it in, with the calls of the system that it lets fail.
add_executable(test-server-door "${CMAKE_CURRENT_LIST_DIR}/door.c")
target_include_directories(test-server-door SYSTEM PRIVATE
  $<TARGET_PROPERTY:server,INCLUDE_DIRECTORIES>)
target_link_libraries(test-server-door PRIVATE uvchan Threads::Threads)
uvchan_add_test(server-door $<TARGET_FILE:test-server-door>)

uvchan_add_test(server-echo "${Python3_EXECUTABLE}" -B "${CMAKE_CURRENT_LIST_DIR}/server-echo.py"
  $<TARGET_FILE:echo>)
uvchan_add_server_test(http)
uvchan_add_server_test(close)
uvchan_add_server_test(accept)
uvchan_add_server_test(log)
uvchan_add_server_test(load)
uvchan_add_server_test(tools)
uvchan_add_server_test(hostile)
set_tests_properties(${name_prefix}server-hostile PROPERTIES RUN_SERIAL ON) # it compares latencies

# Servers with bakers elsewhere.
find_program(UVCHAN_REDIS_SERVER NAMES redis-server valkey-server)
mark_as_advanced(UVCHAN_REDIS_SERVER)
if(TARGET bakers AND UVCHAN_REDIS_SERVER)
  uvchan_add_test(server-cluster "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/server-cluster.py" $<TARGET_FILE:server> $<TARGET_FILE:bakers>
    "${UVCHAN_REDIS_SERVER}")
  uvchan_add_test(server-cluster-run "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/server-cluster-run.py" "${PROJECT_SOURCE_DIR}/demo/cluster.sh"
    $<TARGET_FILE_DIR:server>)
else()
  message(STATUS "The tests of servers with bakers elsewhere are left out: they need uvchan-redis "
                 "and redis-server (Debian: libhiredis-dev, redis-server).")
endif()

# What the fuzzer has found worth keeping, run without it; sh test/fuzz.sh server looks for more.
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/fuzz/*.c")
file(GLOB fuzz_inputs CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/fuzz/corpus/*")
get_target_property(server_directory server SOURCE_DIR)
foreach(room connection exchange parse wire line fields reader answer bytes)
  list(APPEND fuzz_sources "${server_directory}/http/${room}.c")
endforeach()
function(uvchan_add_server_replay suffix http_library)
  add_executable(fuzz-server-replay${suffix} ${fuzz_sources})
  target_include_directories(fuzz-server-replay${suffix} PRIVATE
    "${CMAKE_CURRENT_LIST_DIR}/fuzz" "${server_directory}" "${server_directory}/..")
  target_link_libraries(fuzz-server-replay${suffix} PRIVATE ${http_library} uvchan::libuv)
  uvchan_add_test(server-fuzz-replay${suffix}
    $<TARGET_FILE:fuzz-server-replay${suffix}> ${fuzz_inputs})
endfunction()

uvchan_add_server_replay("" server_http_library)
if(TARGET server-http_parser)
  uvchan_add_server_replay(-http_parser server_http_parser)
endif()

if(NOT name_prefix)
  if(TARGET bakers)
    uvchan_add_server_test(page --bakers $<TARGET_FILE:bakers>)
  else()
    uvchan_add_server_test(page)
  endif()
  uvchan_add_test(server-run "${SH_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/server-run.sh"
    "${CMAKE_CURRENT_BINARY_DIR}")
  set_tests_properties(server-run PROPERTIES SKIP_RETURN_CODE 77)
  if(UVCHAN_INSTALL AND UVCHAN_LIBUV_MODULE_NAME)
    uvchan_add_test(server-lift "${SH_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/server-lift.sh"
      "${CMAKE_COMMAND}" "${CMAKE_GENERATOR}" "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}"
      "${CMAKE_NM}" "${Python3_EXECUTABLE}")
  endif()
endif()
