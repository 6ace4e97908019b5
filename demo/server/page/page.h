/* SPDX-License-Identifier: MIT */
/* The files of the live page, built into the program: demo/server/page/ as it was when the program
 * was built. */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

typedef struct {
  const char* path; /* as requests name it */
  const char* type;
  const unsigned char* data;
  size_t len;
} asset_t;

extern const asset_t page_assets[];
extern const size_t page_nassets;

#endif /* PAGE_H */
