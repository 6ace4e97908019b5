# SPDX-License-Identifier: MIT
# The benchmarks: that they work, not how fast; sh test/benchmark.sh measures.
if(UNIX) # they read the clocks of POSIX
  file(GLOB benchmarks CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/benchmark-*.c")
  file(GLOB redis_benchmarks CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/benchmark-redis-*.c")
  list(REMOVE_ITEM benchmarks ${redis_benchmarks})
  add_custom_target(benchmarks) # all that are built here
  foreach(source IN LISTS benchmarks)
    get_filename_component(program "${source}" NAME_WE)
    add_executable(${program} "${source}")
    target_link_libraries(${program} PRIVATE uvchan_static Threads::Threads m)
    add_dependencies(benchmarks ${program})
    uvchan_add_test(${program} $<TARGET_FILE:${program}> ms=50)
  endforeach()
  uvchan_add_test(benchmark-stream-loops $<TARGET_FILE:benchmark-stream> ms=50 from=loop senders=2
    receivers=2 capacity=3 size=64)
  uvchan_add_test(benchmark-stream-threads $<TARGET_FILE:benchmark-stream> ms=50 to=thread senders=2
    receivers=2 batch=16)
  uvchan_add_test(benchmark-stream-unbuffered $<TARGET_FILE:benchmark-stream> ms=50 to=thread
    capacity=0)
  uvchan_add_test(benchmark-stream-aging $<TARGET_FILE:benchmark-stream> ms=50 aging=1)
  uvchan_add_test(benchmark-overload-admission $<TARGET_FILE:benchmark-overload> ms=50 target=2000)
  uvchan_add_test(benchmark-pingpong-spin $<TARGET_FILE:benchmark-pingpong> ms=50 spin=50)
  uvchan_add_test(benchmark-same-loop-idle $<TARGET_FILE:benchmark-same-loop> ms=50 from=idle
    run=16)
  uvchan_add_test(benchmark-many-100 $<TARGET_FILE:benchmark-many> ms=50 channels=100)
  uvchan_add_test(benchmark-select-waking $<TARGET_FILE:benchmark-select> ms=50 mode=waking
    channels=64)
  uvchan_add_test(benchmark-pool-loops $<TARGET_FILE:benchmark-pool> ms=50 loops=4 pools=2
    work=sleep)
  uvchan_add_test(benchmark-pool-paced $<TARGET_FILE:benchmark-pool> ms=50 flight=1 period=200000)
  uvchan_add_test(benchmark-pool-overload-cut $<TARGET_FILE:benchmark-pool-overload> ms=50
    target=1000)
  uvchan_add_test(benchmark-memory-empty $<TARGET_FILE:benchmark-memory> kind=empty)
  uvchan_add_test(benchmark-memory-million $<TARGET_FILE:benchmark-memory> kind=million)

  find_program(UVCHAN_REDIS_SERVER NAMES redis-server valkey-server)
  mark_as_advanced(UVCHAN_REDIS_SERVER)
  if(TARGET uvchan_redis_static AND UVCHAN_REDIS_SERVER)
    foreach(source IN LISTS redis_benchmarks)
      get_filename_component(program "${source}" NAME_WE)
      add_executable(${program} "${source}")
      target_link_libraries(${program} PRIVATE uvchan_redis_static uvchan::hiredis m)
      add_dependencies(benchmarks ${program})
      uvchan_add_test(${program} $<TARGET_FILE:${program}> ms=50)
    endforeach()
    uvchan_add_test(benchmark-redis-sink-always $<TARGET_FILE:benchmark-redis-sink> ms=50
      sync=always)
    uvchan_add_test(benchmark-redis-source-auto $<TARGET_FILE:benchmark-redis-source> values=1000
      auto=1)
    uvchan_add_test(benchmark-redis-through-paced $<TARGET_FILE:benchmark-redis-through> ms=50
      period=500000)
    uvchan_add_test(benchmark-redis-through-local $<TARGET_FILE:benchmark-redis-through> ms=50
      local=1)
  else()
    message(STATUS "The benchmarks of uvchan-redis are left out: it is not built, or there is no "
                   "redis-server")
  endif()
endif()
