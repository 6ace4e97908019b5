# SPDX-License-Identifier: MIT
# cmake -D OUTPUT=page.c -D DIRECTORY=page -P embed.cmake: writes the files of the page as C, for
# page.h.
set(assets "/:index.html:text/html\; charset=utf-8" "/style.css:style.css:text/css\; charset=utf-8"
           "/app.js:app.js:text/javascript\; charset=utf-8" "/icon.svg:icon.svg:image/svg+xml")

set(arrays "")
set(table "")
set(n 0)
foreach(asset IN LISTS assets)
  string(REGEX MATCH "^([^:]*):([^:]*):(.*)$" whole "${asset}")
  set(path "${CMAKE_MATCH_1}")
  set(type "${CMAKE_MATCH_3}")
  file(READ "${DIRECTORY}/${CMAKE_MATCH_2}" bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char asset${n}[] = {\n${bytes}};\n\n")
  string(APPEND table "    {\"${path}\", \"${type}\", asset${n}, sizeof(asset${n})},\n")
  math(EXPR n "${n} + 1")
endforeach()

file(
  WRITE "${OUTPUT}"
  "/* Made by embed.cmake from the files of the page. */\n#include \"page/page.h\"\n\n${arrays}"
  "const asset_t page_assets[] = {\n${table}};\n\n"
  "const size_t page_nassets = sizeof(page_assets) / sizeof(*page_assets);\n")
