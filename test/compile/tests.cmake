# SPDX-License-Identifier: MIT
# Each compiler that is here has its say: the one of this build, and clang.
set(compilers "${CMAKE_C_COMPILER}")
set(cxx_compilers "${CMAKE_CXX_COMPILER}")
find_program(CLANG_EXECUTABLE clang)
find_program(CLANGXX_EXECUTABLE clang++)
mark_as_advanced(CLANG_EXECUTABLE CLANGXX_EXECUTABLE)
if(CLANG_EXECUTABLE AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  list(APPEND compilers "${CLANG_EXECUTABLE}")
  if(CLANGXX_EXECUTABLE)
    list(APPEND cxx_compilers "${CLANGXX_EXECUTABLE}")
  endif()
endif()

macro(uvchan_add_headers) # (STANDARD...): a test for each, by the compiler
  foreach(standard ${ARGN})
    uvchan_add_script(header-${standard}.${compiler_name} header.sh "${compiler}" ${standard}
      "${CMAKE_CURRENT_BINARY_DIR}" $<TARGET_FILE:uvchan_static>)
    set_tests_properties(${name_prefix}header-${standard}.${compiler_name}
      PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()
endmacro()

# Typed ends that must not compile, and headers that must, alone.
file(GLOB offences CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/offence-*.c")
foreach(compiler IN LISTS compilers)
  get_filename_component(compiler_name "${compiler}" NAME)
  foreach(source IN LISTS offences)
    get_filename_component(name "${source}" NAME_WE)
    uvchan_add_script(${name}.${compiler_name} offence.sh "${compiler}" "${source}")
  endforeach()
  uvchan_add_headers(c11 c17)
endforeach()
foreach(compiler IN LISTS cxx_compilers)
  get_filename_component(compiler_name "${compiler}" NAME)
  uvchan_add_headers(c++11 c++14 c++17 c++20)
endforeach()
