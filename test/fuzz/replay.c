/* SPDX-License-Identifier: MIT */
/* Runs files as the fuzzer does, where there is no fuzzer: replay FILE... Each is run several
 * times, since what a select chooses differs. */
#include <stdio.h>
#include <stdlib.h>

#include "ground.h"

#define TIMES 3

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/* As large a file as a run can use. */
static uint8_t bytes[65536];

static void replay(const char* name) {
  FILE* file = fopen(name, "rb");
  size_t size;
  int i;
  if (file == NULL) {
    perror(name);
    exit(EXIT_FAILURE);
  }
  size = fread(bytes, 1, sizeof(bytes), file);
  fclose(file);
  for (i = 0; i < TIMES; i++) LLVMFuzzerTestOneInput(bytes, size);
}

int main(int argc, char** argv) {
  int i;
  for (i = 1; i < argc; i++) {
    printf("%s\n", argv[i]); /* the last one is the one that failed */
    fflush(stdout);
    replay(argv[i]);
  }
  return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
