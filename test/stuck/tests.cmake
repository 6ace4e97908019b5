# SPDX-License-Identifier: MIT
# What gdb tells of a core, and of the probes, where it is installed.
if(NOT WIN32 AND NOT APPLE)
  uvchan_add_script(gdb gdb.sh "${CMAKE_C_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}")
  uvchan_add_script(probes probes.sh "${CMAKE_C_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}")
  set_tests_properties(${name_prefix}gdb ${name_prefix}probes PROPERTIES SKIP_RETURN_CODE 77)
endif()

# The guide to what is stuck.
if(NOT WIN32)
  uvchan_add_script(guide-stuck guide.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan_static>
    "${CMAKE_CURRENT_BINARY_DIR}")
endif()
