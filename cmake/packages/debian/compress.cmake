# SPDX-License-Identifier: MIT
# What cpack runs when the files of the packages are in place.
if(CPACK_GENERATOR STREQUAL "DEB")
  file(GLOB_RECURSE pages "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.3")
  if(pages)
    execute_process(COMMAND "${CPACK_UVCHAN_GZIP}" -9nf ${pages})
  endif()
endif()
