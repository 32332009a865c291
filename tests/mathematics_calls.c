/* The functions of mathematics.c for arrays, to be called from test_machine_functions.py. */
#include "mathematics.c"

#define ARRAYS(name, result)                                                           \
    void name(const double* a, const double* b, double* out, int64_t n) {              \
        (void)b;                                                                       \
        for (int64_t i = 0; i < n; i += V) {                                           \
            vd x, y;                                                                   \
            __builtin_memcpy(&x, a + i, sizeof x);                                     \
            __builtin_memcpy(&y, b + i, sizeof y);                                     \
            x = (result);                                                              \
            __builtin_memcpy(out + i, &x, sizeof x);                                   \
        }                                                                              \
    }
#define ONE(name) ARRAYS(of_##name, v_##name(x))
#define TWO(name) ARRAYS(of_##name, v_##name(x, y))

ONE(acos)
ONE(acosh)
ONE(asin)
ONE(asinh)
ONE(atan)
TWO(atan2)
ONE(atanh)
ONE(cos)
ONE(cosh)
ONE(erf)
ONE(exp)
ONE(expm1)
ONE(floor)
TWO(hypot)
ONE(log)
ONE(log10)
ONE(log1p)
ONE(log2)
TWO(pow)
TWO(remainder)
ONE(sigmoid)
ONE(sin)
ONE(sinh)
ONE(softplus)
ONE(sqrt)
ONE(tan)
ONE(tanh)

void shuffle(uint32_t* state, int64_t* order, int64_t n) { twister_shuffle(state, order, n); }
void randoms(uint32_t* state, double* out, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = twister_random(state);
}
uint64_t below(uint32_t* state, uint64_t n) { return twister_below(state, n); }
