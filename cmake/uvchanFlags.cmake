# SPDX-License-Identifier: MIT
# Compiler and linker flags of everything below this directory: warnings, sanitizers, coverage and
# the two ways to build the library. As a part of another project, where nobody asks, there is
# none: what warns is for that project to choose.
if(UVCHAN_PORTABLE)
  add_compile_definitions(UVCHAN_PORTABLE)
endif()
if(UVCHAN_INJECT)
  add_compile_definitions(UVCHAN_INJECT)
endif()

if(NOT CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  return()
endif()

if(uvchan_is_top OR UVCHAN_WERROR)
  foreach(warning -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
    add_compile_options($<$<COMPILE_LANGUAGE:C>:${warning}>)
  endforeach()
endif()
if(UVCHAN_WERROR)
  add_compile_options(-Werror)
endif()

if(UVCHAN_SANITIZE STREQUAL "address")
  set(uvchan_sanitizer -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(UVCHAN_SANITIZE STREQUAL "thread")
  set(uvchan_sanitizer -fsanitize=thread)
elseif(UVCHAN_SANITIZE)
  message(FATAL_ERROR
    "UVCHAN_SANITIZE is \"address\", \"thread\" or empty, not \"${UVCHAN_SANITIZE}\".")
endif()
if(UVCHAN_SANITIZE)
  add_compile_options(${uvchan_sanitizer} -O1 -g -fno-omit-frame-pointer)
  add_link_options(${uvchan_sanitizer})
endif()

if(UVCHAN_COVERAGE)
  add_compile_options(--coverage -O0 -g -DNDEBUG) # an assertion has a branch that never runs
  add_link_options(--coverage)
  add_compile_definitions(UVCHAN_COVERAGE)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # gcc's own fork() forgets what the handlers of a child did
    add_compile_options(-fprofile-update=atomic -fno-builtin-fork)
  endif()
endif()
