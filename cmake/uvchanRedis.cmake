# SPDX-License-Identifier: MIT
# uvchan-redis, a library of its own on top of uvchan and hiredis: uvchan::redis, static and shared
# as uvchan itself. uvchan knows nothing of it. UVCHAN_BUILD_REDIS says whether it is built: where
# nobody has set it, at the top, where hiredis is here. Where somebody has set it ON, hiredis has to
# be here.
set(uvchan_redis_is_asked OFF)
if(DEFINED UVCHAN_BUILD_REDIS)
  set(uvchan_redis_is_asked ${UVCHAN_BUILD_REDIS})
else()
  set(UVCHAN_BUILD_REDIS ${uvchan_is_top})
endif()
if(NOT UVCHAN_BUILD_REDIS)
  return()
endif()

include(CheckCSourceCompiles)
include("${CMAKE_CURRENT_LIST_DIR}/uvchanHiredis.cmake")
# The one that is found may be another machine's, where this is built for a second one.
if(TARGET uvchan::hiredis)
  set(CMAKE_REQUIRED_LIBRARIES uvchan::hiredis)
  check_c_source_compiles("#include <hiredis/async.h>
int main(void) { return redisAsyncConnectUnix(\"\") == 0; }" UVCHAN_HIREDIS_LINKS)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(WIN32 OR NOT TARGET uvchan::hiredis OR NOT UVCHAN_HIREDIS_LINKS)
  set(uvchan_redis_lacks "${uvchan_hiredis_missing}, and a POSIX system")
  if(uvchan_redis_is_asked)
    message(FATAL_ERROR "UVCHAN_BUILD_REDIS is ON, and uvchan-redis needs ${uvchan_redis_lacks}. \
Provide it, name its place in PKG_CONFIG_PATH or CMAKE_PREFIX_PATH where it is elsewhere, or leave \
uvchan-redis out with -DUVCHAN_BUILD_REDIS=OFF.")
  endif()
  message(STATUS "uvchan-redis is not built: it needs ${uvchan_redis_lacks}")
  return()
endif()

set(UVCHAN_REDIS_SOURCES
    lib/redis/words.c
    lib/redis/scripts.c
    lib/redis/address.c
    lib/redis/wire.c
    lib/redis/link.c
    lib/redis/command.c
    lib/redis/options.c
    lib/redis/taking.c
    lib/redis/sending.c
    lib/redis/sink.c
    lib/redis/tickets.c
    lib/redis/receiving.c
    lib/redis/slots.c
    lib/redis/delivery.c
    lib/redis/claiming.c
    lib/redis/reading.c
    lib/redis/returning.c
    lib/redis/source.c)

function(uvchan_add_redis kind type)
  set(target uvchan_redis_${kind})
  add_library(${target} ${type} ${UVCHAN_REDIS_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(${target} PUBLIC uvchan_${kind} PRIVATE uvchan::hiredis Threads::Threads)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME uvchan-redis POSITION_INDEPENDENT_CODE ON
    EXPORT_NAME redis_${kind} ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}"
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  add_library(uvchan::redis_${kind} ALIAS ${target})
endfunction()

if(UVCHAN_BUILD_STATIC)
  uvchan_add_redis(static STATIC)
endif()
if(UVCHAN_BUILD_SHARED)
  uvchan_add_redis(shared SHARED)
  set(uvchan_redis_abi 1) # a number of its own, as uvchan's is one
  set_target_properties(uvchan_redis_shared PROPERTIES SOVERSION ${uvchan_redis_abi}
    VERSION ${uvchan_redis_abi}.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH})
  if(APPLE)
    target_link_options(uvchan_redis_shared PRIVATE "LINKER:-exported_symbol,_uvchan_[a-z]*")
  elseif(UVCHAN_HAS_VERSION_SCRIPT)
    set(uvchan_redis_map "${PROJECT_SOURCE_DIR}/cmake/uvchan-redis.map")
    target_link_options(uvchan_redis_shared PRIVATE "-Wl,--version-script=${uvchan_redis_map}")
    set_target_properties(uvchan_redis_shared PROPERTIES LINK_DEPENDS "${uvchan_redis_map}")
  endif()
endif()
add_library(uvchan::redis ALIAS uvchan_redis_${uvchan_kind})

if(NOT UVCHAN_INSTALL)
  return()
endif()

set(uvchan_redis_targets "")
foreach(kind static shared)
  if(TARGET uvchan_redis_${kind})
    list(APPEND uvchan_redis_targets uvchan_redis_${kind})
  endif()
endforeach()
install(TARGETS ${uvchan_redis_targets} EXPORT uvchanRedisTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT uvchan_redis_development
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT uvchan_redis_runtime
    NAMELINK_COMPONENT uvchan_redis_development)
install(FILES include/uvchan/redis.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/uvchan"
  COMPONENT uvchan_redis_development)
install(EXPORT uvchanRedisTargets NAMESPACE uvchan:: DESTINATION "${uvchan_package_dir}"
  COMPONENT uvchan_redis_development)
install(FILES cmake/uvchanHiredis.cmake DESTINATION "${uvchan_package_dir}"
  COMPONENT uvchan_redis_development)

# Whoever includes redis.h needs uvchan's header alone: hiredis is private.
set(uvchan_redis_pc_requires_private "")
set(uvchan_redis_pc_libs "-L\${libdir} -luvchan-redis")
set(uvchan_redis_pc_libs_private "${CMAKE_THREAD_LIBS_INIT}")
if(UVCHAN_HIREDIS_HAS_MODULE)
  set(uvchan_redis_pc_requires_private "hiredis >= ${uvchan_hiredis_least}")
else()
  string(APPEND uvchan_redis_pc_libs_private " \"${UVCHAN_HIREDIS_LIBRARY}\"")
endif()
if(NOT TARGET uvchan_redis_shared) # what is static alone needs the private part always
  if(UVCHAN_HIREDIS_HAS_MODULE)
    set(uvchan_redis_pc_requires ", ${uvchan_redis_pc_requires_private}")
    set(uvchan_redis_pc_requires_private "")
  endif()
  string(APPEND uvchan_redis_pc_libs " ${uvchan_redis_pc_libs_private}")
  set(uvchan_redis_pc_libs_private "")
endif()
configure_file(cmake/uvchan-redis.pc.in uvchan-redis.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/uvchan-redis.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT uvchan_redis_development)
