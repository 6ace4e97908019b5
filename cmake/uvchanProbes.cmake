# SPDX-License-Identifier: MIT
# Probes, where <sys/sdt.h> is (Debian: systemtap-sdt-dev): lib/ground/probes.h.
include(CheckIncludeFile)

if(UVCHAN_PROBES)
  check_include_file(sys/sdt.h UVCHAN_HAS_SDT)
  if(UVCHAN_HAS_SDT)
    add_compile_definitions(UVCHAN_PROBES)
    if(UVCHAN_PROBES_FAST)
      add_compile_definitions(UVCHAN_PROBES_FAST)
    endif()
  endif()
endif()
