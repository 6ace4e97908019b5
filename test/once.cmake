# Tests of the headers, of the shared library, of the documentation's programs and of what is
# installed. Each compiler that is here has its say: the one of this build, and clang.
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

function(uvchan_add_script name script)
  uvchan_add_test(${name} "${SH_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${ARGN})
endfunction()

# ---- Typed ends that must not compile, and headers that must, alone ------------------------------

file(GLOB offences CONFIGURE_DEPENDS compile/offence-*.c)
foreach(compiler IN LISTS compilers)
  get_filename_component(compiler_name "${compiler}" NAME)
  foreach(source IN LISTS offences)
    get_filename_component(name "${source}" NAME_WE)
    uvchan_add_script(${name}.${compiler_name} compile/offence.sh "${compiler}" "${source}")
  endforeach()
  uvchan_add_script(header-c11.${compiler_name} compile/header.sh "${compiler}" c
    "${CMAKE_CURRENT_BINARY_DIR}" $<TARGET_FILE:uvchan>)
endforeach()
foreach(compiler IN LISTS cxx_compilers)
  get_filename_component(compiler_name "${compiler}" NAME)
  uvchan_add_script(header-c++17.${compiler_name} compile/header.sh "${compiler}" c++
    "${CMAKE_CURRENT_BINARY_DIR}" $<TARGET_FILE:uvchan>)
endforeach()

# ---- The shared library --------------------------------------------------------------------------

if(UVCHAN_BUILD_SHARED)
  add_executable(names-shared names.c)
  target_link_libraries(names-shared PRIVATE uvchan_shared)
  uvchan_add_test(names-shared $<TARGET_FILE:names-shared>)
  if(UVCHAN_HAS_VERSION_SCRIPT)
    uvchan_add_script(exports exports.sh "${CMAKE_NM}" $<TARGET_FILE:uvchan_shared>
      $<TARGET_FILE:names>)
  endif()
endif()

if(NOT WIN32 AND NOT APPLE AND NOT UVCHAN_INJECT)
  uvchan_add_script(statics statics.sh "${CMAKE_NM}" $<TARGET_FILE:uvchan>)
endif()

# ---- Scripts, documentation and the installed library --------------------------------------------

uvchan_add_script(floors floors.sh)
uvchan_add_script(scripts scripts.sh)
uvchan_add_script(server-rooms server/rooms.sh)
uvchan_add_script(run-demo run-demo.sh)
uvchan_add_script(run-portability run-portability.sh)
uvchan_add_script(readme readme.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan>
  "${CMAKE_CURRENT_BINARY_DIR}")
if(NOT WIN32)
  uvchan_add_script(plugin plugin.sh "${CMAKE_C_COMPILER}" $<TARGET_FILE:uvchan>
    "${CMAKE_CURRENT_BINARY_DIR}")
endif()
uvchan_add_script(consumer consumer.sh "${CMAKE_COMMAND}" "${CMAKE_GENERATOR}"
  "${PROJECT_BINARY_DIR}" "${CMAKE_C_COMPILER}")

# The description of the ABI is one of x86-64 and Linux, as gcc tells it.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND
  CMAKE_C_COMPILER_ID STREQUAL "GNU")
  uvchan_add_script(abi abi.sh "${CMAKE_C_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}")
  set_tests_properties(${name_prefix}abi PROPERTIES SKIP_RETURN_CODE 77)
endif()
