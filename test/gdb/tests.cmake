# What gdb tells of a core, where it is installed.
if(NOT WIN32 AND NOT APPLE)
  uvchan_add_script(gdb gdb.sh "${CMAKE_C_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}")
  set_tests_properties(${name_prefix}gdb PROPERTIES SKIP_RETURN_CODE 77)
endif()
