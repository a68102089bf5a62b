/* Read by jemalloc before main. A training step frees and asks again for the same hundreds of
   megabytes: never giving pages back, and taking large ones, saves the page faults that glibc
   spends a third of the CPU time on. */
const char* malloc_conf = "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1,metadata_thp:always";
