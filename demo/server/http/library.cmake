# SPDX-License-Identifier: MIT
# The library that takes HTTP messages apart, as the target server_http_library, if one is here: the
# first of
#
#   llhttp       installed as a library (Debian 13: libllhttp-dev)
#   llhttp       its sources in C, which are built here (Debian 12: node-llhttp)
#   http_parser  which llhttp came after (Debian: libhttp-parser-dev); the target server_http_parser
#                wherever it is here
find_path(UVCHAN_LLHTTP_INCLUDE_DIR llhttp.h)
find_library(UVCHAN_LLHTTP_LIBRARY llhttp)
# the header that belongs to the sources stands elsewhere than one that belongs to a library
find_path(UVCHAN_LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share PATH_SUFFIXES llhttp NO_DEFAULT_PATH)
find_path(UVCHAN_LLHTTP_SOURCE_INCLUDE_DIR llhttp.h
  PATHS /usr/share PATH_SUFFIXES include/llhttp NO_DEFAULT_PATH)
find_path(UVCHAN_HTTP_PARSER_INCLUDE_DIR http_parser.h)
find_library(UVCHAN_HTTP_PARSER_LIBRARY http_parser)
mark_as_advanced(UVCHAN_LLHTTP_INCLUDE_DIR UVCHAN_LLHTTP_LIBRARY
  UVCHAN_LLHTTP_SOURCE_DIR UVCHAN_LLHTTP_SOURCE_INCLUDE_DIR
  UVCHAN_HTTP_PARSER_INCLUDE_DIR UVCHAN_HTTP_PARSER_LIBRARY)

# Makes target NAME an interface to a library that is installed.
function(server_add_http_library name directory library)
  add_library(${name} INTERFACE)
  target_include_directories(${name} SYSTEM INTERFACE "${directory}")
  target_link_libraries(${name} INTERFACE "${library}")
endfunction()

if(UVCHAN_HTTP_PARSER_INCLUDE_DIR AND UVCHAN_HTTP_PARSER_LIBRARY)
  server_add_http_library(server_http_parser
    "${UVCHAN_HTTP_PARSER_INCLUDE_DIR}" "${UVCHAN_HTTP_PARSER_LIBRARY}")
endif()

if(UVCHAN_LLHTTP_INCLUDE_DIR AND UVCHAN_LLHTTP_LIBRARY)
  server_add_http_library(server_http_library
    "${UVCHAN_LLHTTP_INCLUDE_DIR}" "${UVCHAN_LLHTTP_LIBRARY}")
  target_compile_definitions(server_http_library INTERFACE SERVER_HAS_LLHTTP)
elseif(UVCHAN_LLHTTP_SOURCE_INCLUDE_DIR AND UVCHAN_LLHTTP_SOURCE_DIR)
  add_library(server_http_library STATIC
    "${UVCHAN_LLHTTP_SOURCE_DIR}/api.c" "${UVCHAN_LLHTTP_SOURCE_DIR}/http.c"
    "${UVCHAN_LLHTTP_SOURCE_DIR}/llhttp.c")
  target_include_directories(server_http_library SYSTEM PUBLIC
    "${UVCHAN_LLHTTP_SOURCE_INCLUDE_DIR}")
  # before its version 9 it is lenient where it is not told otherwise
  target_compile_definitions(server_http_library
    PUBLIC LLHTTP_STRICT_MODE=1 INTERFACE SERVER_HAS_LLHTTP)
  target_compile_options(server_http_library PRIVATE -w)
elseif(TARGET server_http_parser)
  add_library(server_http_library INTERFACE)
  target_link_libraries(server_http_library INTERFACE server_http_parser)
endif()
