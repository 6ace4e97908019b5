# SPDX-License-Identifier: MIT
# The protocols themselves, which need no server, and no build.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_Interpreter_FOUND AND NOT UVCHAN_SANITIZE AND NOT UVCHAN_PORTABLE)
  uvchan_add_test(redis-protocol "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/protocol.py")
  uvchan_add_test(redis-sources "${Python3_EXECUTABLE}" -B
    "${CMAKE_CURRENT_LIST_DIR}/sources.py")
endif()

# As a user gets it: what installs this build, as it is built without a sanitizer, and compiles with
# what is installed.
set(redis_is_installed OFF)
if(UVCHAN_INSTALL AND UVCHAN_LIBUV_MODULE_NAME AND NOT UVCHAN_SANITIZE AND NOT UVCHAN_COVERAGE
   AND NOT UVCHAN_PORTABLE AND NOT CMAKE_CROSSCOMPILING)
  set(redis_is_installed ON)
  uvchan_add_script(redis-install install.sh "${CMAKE_COMMAND}" "${CMAKE_GENERATOR}"
    "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}" "${CMAKE_NM}")
endif()

# The examples, in the order in which they run: what the sink has sent the source receives.
set(redis_examples "")
foreach(name sink source encode drain stats)
  add_executable(example-redis_${name} "${PROJECT_SOURCE_DIR}/docs/examples/redis_${name}.c")
  target_link_libraries(example-redis_${name} PRIVATE uvchan_redis_static)
  list(APPEND redis_examples $<TARGET_FILE:example-redis_${name}>)
endforeach()

# The suites, each with a redis-server of its own, as what runs in scripts has one. Where there is
# none, they are left out.
find_program(UVCHAN_REDIS_SERVER NAMES redis-server valkey-server)
mark_as_advanced(UVCHAN_REDIS_SERVER)
if(NOT UVCHAN_REDIS_SERVER)
  message(STATUS "The tests of uvchan-redis are left out: there is no redis-server "
                 "(Debian: redis-server)")
  return()
endif()

uvchan_add_script(redis-examples examples.sh "${UVCHAN_REDIS_SERVER}"
  "${PROJECT_SOURCE_DIR}/docs/examples" ${redis_examples})
if(redis_is_installed)
  uvchan_add_script(redis-guide guide.sh "${UVCHAN_REDIS_SERVER}" "${CMAKE_COMMAND}"
    "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}")
endif()

# Nothing here depends on how the core's threads sleep.
if(UVCHAN_PORTABLE)
  return()
endif()
file(GLOB redis_suites CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/test-*.c")
find_library(UVCHAN_HIREDIS_SSL_LIBRARY hiredis_ssl HINTS ${UVCHAN_HIREDIS_PC_LIBRARY_DIRS})
find_program(UVCHAN_OPENSSL openssl)
mark_as_advanced(UVCHAN_HIREDIS_SSL_LIBRARY UVCHAN_OPENSSL)
if(NOT UVCHAN_HIREDIS_SSL_LIBRARY OR NOT UVCHAN_OPENSSL)
  list(FILTER redis_suites EXCLUDE REGEX "tls")
  message(STATUS "The test of uvchan-redis over TLS is left out: it needs hiredis_ssl, which comes "
                 "with hiredis 1.0, and openssl")
endif()
# Memory is refused where the linker can put a function before another one.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--wrap=malloc)
check_c_source_compiles("#include <stdlib.h>
void* __wrap_malloc(size_t size);
void* __wrap_malloc(size_t size) { return calloc(1, size); }
int main(void) { return malloc(1) == NULL; }" UVCHAN_LINKER_WRAPS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(NOT UVCHAN_LINKER_WRAPS)
  list(FILTER redis_suites EXCLUDE REGEX "memory")
  message(STATUS "The test of uvchan-redis without memory is left out: it needs a linker that "
                 "wraps")
endif()
foreach(source IN LISTS redis_suites)
  get_filename_component(program "${source}" NAME_WE)
  string(REGEX REPLACE "^test-" "" name "${program}")
  add_executable(${program} "${source}")
  target_compile_definitions(${program} PRIVATE "REDIS_SERVER=\"${UVCHAN_REDIS_SERVER}\"")
  target_link_libraries(${program} PRIVATE uvchan_support uvchan_redis_static uvchan::hiredis)
  if(name MATCHES "tls")
    target_link_libraries(${program} PRIVATE "${UVCHAN_HIREDIS_SSL_LIBRARY}")
  endif()
  uvchan_add_test(${name} $<TARGET_FILE:${program}>)
endforeach()

# An end in a process of its own, which this suite kills.
add_executable(redis-child "${CMAKE_CURRENT_LIST_DIR}/child.c")
target_link_libraries(redis-child PRIVATE uvchan_redis_static uvchan_static)
target_compile_definitions(test-redis-processes PRIVATE
  "REDIS_CHILD=\"$<TARGET_FILE:redis-child>\"")
add_dependencies(test-redis-processes redis-child)

if(UVCHAN_LINKER_WRAPS)
  set(redis_refused malloc calloc realloc free redisAsyncCommandArgv redisAsyncConnectUnix
      uv_poll_init)
  list(TRANSFORM redis_refused PREPEND -Wl,--wrap=)
  target_link_options(test-redis-memory PRIVATE ${redis_refused})
endif()
