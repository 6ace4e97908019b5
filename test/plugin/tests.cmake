# SPDX-License-Identifier: MIT
# Two copies of the library in one process.
# A plugin has its own, and takes libuv from the program that loads it.
if(UNIX AND NOT APPLE)
  add_library(test_plugin MODULE "${CMAKE_CURRENT_LIST_DIR}/plugin.c")
  target_include_directories(test_plugin
    PRIVATE $<TARGET_PROPERTY:uvchan,INTERFACE_INCLUDE_DIRECTORIES>
            $<TARGET_PROPERTY:uvchan::libuv,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(test_plugin PRIVATE $<TARGET_FILE:uvchan_static> Threads::Threads)
  add_dependencies(test_plugin uvchan_static)
  set_target_properties(test_plugin PROPERTIES C_VISIBILITY_PRESET hidden
    LINK_FLAGS "-Wl,--exclude-libs,ALL")
  add_executable(test-two-copies "${CMAKE_CURRENT_LIST_DIR}/test-two-copies.c")
  target_link_libraries(test-two-copies PRIVATE uvchan_support ${CMAKE_DL_LIBS})
  set_target_properties(test-two-copies PROPERTIES ENABLE_EXPORTS ON)
  add_dependencies(test-two-copies test_plugin)
  uvchan_add_test(two-copies $<TARGET_FILE:test-two-copies> $<TARGET_FILE:test_plugin>)
endif()
