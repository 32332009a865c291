/* Which of the builds of machine.c this processor runs: 2 with AVX-512, 1 with AVX2 and FMA, else 0.

Compiled for the oldest processor, since it is asked first. The features are those that hatch_build.py
lets the compiler use. By CPUID and XGETBV (Intel's manual, volume 2A and 1, section 14.3), since
__builtin_cpu_supports needs a runtime that not every compiler brings. */
#include <stdint.h>

#define PUBLIC __attribute__((visibility("default")))

#if defined(__x86_64__)
#include <cpuid.h>

PUBLIC int machine_level(void) {
    const unsigned fma = 1u << 12, osxsave = 1u << 27;               /* leaf 1, ecx */
    const unsigned avx2 = 1u << 5;                                   /* leaf 7, ebx */
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* F DQ CD BW VL */
    unsigned eax, ebx, ecx, edx, saved, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
    if ((ecx & (fma | osxsave)) != (fma | osxsave)) return 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return 0;
    /* what the system keeps of a process that it interrupts: xmm and ymm, then also zmm and masks */
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if (!(ebx & avx2) || (saved & 0x06) != 0x06) return 0;
    return (ebx & avx512) == avx512 && (saved & 0xe6) == 0xe6 ? 2 : 1;
}
#else
PUBLIC int machine_level(void) { return 0; }
#endif

/* The sources that this library was built from, as executors/library.py counts them. */
PUBLIC uint32_t machine_sources(void) { return SOURCES; }

#if defined(_WIN32)
/* The entry point of a DLL that is linked without a C runtime. */
int DllMainCRTStartup(void *module, unsigned reason, void *reserved) { return 1; }
#endif
