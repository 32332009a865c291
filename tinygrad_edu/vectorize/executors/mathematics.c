/* Functions of vectors of V doubles, and Python's own random numbers.
 *
 * What they give at the edges is what the floats of namespace.py give: inf where a result is too large, nan outside a
 * domain, signs of zeros kept, subnormal operands and results exact to the stated bound. No function calls another
 * library, nothing here changes but what a caller hands over, and no lane looks at another: a lane's result does not
 * depend on its neighbours.
 *
 * Errors are in ulp of the result: the largest over the whole domain that some ten million points in all binades have
 * shown, with a fused multiply-add and without; tests hold every function to 4. Polynomials are minimax fits (Remez)
 * made for this file in 60 digits; reductions are those of Cody and Waite, of Payne and Hanek, and of Sun's fdlibm.
 */
#include <stdint.h>

#ifndef V
#define V 8 /* doubles of a vector: 8, 4 or 2 */
#endif
typedef double vd __attribute__((vector_size(8 * V)));
typedef int64_t vi __attribute__((vector_size(8 * V)));
typedef uint64_t vu __attribute__((vector_size(8 * V)));
#define INL static inline __attribute__((always_inline))
INL vd S(double x) { return x - (vd){}; }
INL vi SI(int64_t x) { return x - (vi){}; }

/* ---- what compilers call by other names -------------------------------------------------------------------------- */

#ifdef __has_builtin
#define HAS(x) __has_builtin(x)
#else
#define HAS(x) 0
#endif
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
#define FUSED 1
#else
#define FUSED 0
#endif

/* a where the mask is all ones, b where it is 0; in the words from which each compiler makes one blend. */
INL vd sel(vi m, vd a, vd b) {
#ifdef __clang__
    typedef double of_double __attribute__((ext_vector_type(V)));
    typedef int64_t of_int __attribute__((ext_vector_type(V)));
    return (vd)((of_int)m ? (of_double)a : (of_double)b);
#else
    return (vd)((m & (vi)a) | (~m & (vi)b));
#endif
}
/* a b + c: rounded once where the machine can (FUSED), else twice. */
INL vd mad(vd a, vd b, vd c) {
#if !FUSED
    return a * b + c;
#elif HAS(__builtin_elementwise_fma)
    return __builtin_elementwise_fma(a, b, c);
#else
    vd r;
    for (int i = 0; i < V; i++) r[i] = __builtin_fma(a[i], b[i], c[i]);
    return r;
#endif
}
/* The square root, correctly rounded. */
INL vd v_sqrt(vd x) {
#if HAS(__builtin_elementwise_sqrt)
    return __builtin_elementwise_sqrt(x);
#else
    vd r;
    for (int i = 0; i < V; i++) r[i] = __builtin_sqrt(x[i]);
    return r;
#endif
}
INL int any(vi m) {
    int64_t r = 0;
    for (int i = 0; i < V; i++) r |= m[i];
    return r != 0;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

#define SIGN INT64_MIN
#define INFINITE __builtin_inf()
#define NOT_A_NUMBER __builtin_nan("")
#define MAGIC 0x1.8p52 /* x + MAGIC is x rounded to a whole number, which its last bits hold */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0x1.62e42fefa2p-1 /* 40 bits: exact times whole numbers of 13 bits */
#define LN2_LOW 7.371002565167799e-13
#define HALF_PI 1.5707963267948966
#define HALF_PI_LOW 6.123233995736766e-17

INL vd v_abs(vd x) { return (vd)((vi)x & ~SI(SIGN)); }
INL vd v_copysign(vd x, vd s) { return (vd)(((vi)x & ~SI(SIGN)) | ((vi)s & SI(SIGN))); }
/* The largest whole number that is not larger. */
INL vd v_floor(vd x) {
    vd size = v_abs(x), n = v_copysign((size + S(0x1p52)) - S(0x1p52), x);
    n = sel(n > x, n - S(1), n);
    return sel(size < S(0x1p52), v_copysign(n, x), x);
}
#define POLYNOMIAL(name, count, ...)                                     \
    INL vd name(vd x) {                                                  \
        static const double c[count] = {__VA_ARGS__};                    \
        vd r = S(c[count - 1]);                                          \
        _Pragma("GCC unroll 20") for (int k = count - 2; k >= 0; k--)    \
            r = mad(r, x, S(c[k]));                                      \
        return r;                                                        \
    }
/* a + b and a b as a double and what it lacks; |a| >= |b| for the quick sum. */
INL vd sum_and_rest(vd a, vd b, vd* rest) {
    vd s = a + b, t = s - a;
    *rest = (a - (s - t)) + (b - t);
    return s;
}
INL vd quick_sum(vd a, vd b, vd* rest) {
    vd s = a + b;
    *rest = b - (s - a);
    return s;
}
INL vd product_and_rest(vd a, vd b, vd* rest) {
    vd p = a * b;
#if FUSED
    *rest = mad(a, b, -p);
#else /* Dekker's: halves of 26 bits */
    vd c = a * S(0x1p27 + 1), d = b * S(0x1p27 + 1), ah = c - (c - a), bh = d - (d - b), al = a - ah, bl = b - bh;
    *rest = al * bl - (((p - ah * bh) - al * bh) - ah * bl);
#endif
    return p;
}

/* ---- exponentials ------------------------------------------------------------------------------------------------ */

/* (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2; the error relative to (exp(r) - 1) / r is 2^-55.6. */
POLYNOMIAL(exp_rest, 10, 0x1.0000000000005p-1, 0x1.555555555555cp-3, 0x1.55555555520f4p-5, 0x1.111111110e6e4p-7,
           0x1.6c16c17f3765cp-10, 0x1.a01a01b5d29ecp-13, 0x1.a019a685fe2acp-16, 0x1.71ddea1261ddap-19,
           0x1.28a2ab57862ecp-22, 0x1.af7696d957dafp-26)

/* x = n ln(2) + r with |r| <= ln(2) / 2; gives n + MAGIC. For |x| <= 1400. */
INL vd by_ln2(vd x, vd* r) {
    vd t = mad(x, S(LOG2_E), S(MAGIC)), n = t - S(MAGIC);
    *r = mad(n, S(-LN2_LOW), mad(n, S(-LN2_HIGH), x));
    return t;
}
/* 2^(n + d) where t is n + MAGIC, for results that are not subnormal. */
INL vd two_to(vd t, int64_t d) { return (vd)(((vi)t << 52) + SI((1023 + d) << 52)); }
/* p 2^n for 0.5 <= p <= 2 and |n| < 2000: at most one rounding, of a result that is subnormal. */
INL vd scaled(vd p, vd t) {
#if defined(__AVX512F__) && V == 8
    return __builtin_ia32_scalefpd512_mask(p, t - S(MAGIC), p, -1, 4);
#else
    vi all = (vi)t << 52, half = (vi)(((vu)t >> 1) << 52);
    return p * (vd)(half + SI(1023LL << 52)) * (vd)(all - half + SI(1023LL << 52));
#endif
}
INL vd exp_small(vd r) { return mad(mad(exp_rest(r), r, S(1)), r, S(1)); }
INL vd expm1_small(vd r) { return mad(r * r, exp_rest(r), r); }

/* 1.2 ulp (fused: 0.9). */
INL vd v_exp(vd x) {
    vd r, t;
    x = sel(x > S(710), S(710), x);
    x = sel(x < S(-746), S(-746), x);
    t = by_ln2(x, &r);
    return scaled(exp_small(r), t);
}
/* exp(-|x|). */
INL vd exp_of_negative(vd x) {
    vd r, t;
    x = (vd)((vi)x | SI(SIGN));
    t = by_ln2(sel(x < S(-746), S(-746), x), &r);
    return scaled(exp_small(r), t);
}
/* 2.2 ulp. */
INL vd v_expm1(vd x) {
    vd y = sel(x > S(710), S(710), x), r, t, half;
    t = by_ln2(sel(y < S(-40), S(-40), y), &r);
    half = two_to(t, -1);
    y = mad(expm1_small(r), half, half - S(0.5)); /* half, since 2^n may be too large */
    return sel(v_abs(x) < S(0x1p-54), x, y + y);
}
/* (exp(|x|) - 1) / 2, for subnormal |x| to a bit. */
INL vd half_expm1(vd x) {
    vd y = v_abs(x), r, t = by_ln2(sel(y > S(710.6), S(710.6), y), &r), quarter = two_to(t, -2);
    y = mad(expm1_small(r), quarter, quarter - S(0.25));
    return y + y;
}
/* 2.4 ulp: with e = exp(|x|) - 1, (e + e / (e + 1)) / 2. */
INL vd v_sinh(vd x) {
    vd a = v_abs(x), h = half_expm1(x), y = sel(a > S(40), h, h + h / (h + h + S(1)));
    return sel(a < S(0x1p-28), x, v_copysign(y, x));
}
/* 1.5 ulp. */
INL vd v_cosh(vd x) {
    vd w = half_expm1(x) + S(0.5);
    return w + S(0.25) / w;
}
/* 2.6 ulp, above 1 at most 1: e / (e + 2) with e = exp(2 |x|) - 1, above 1 as 1 - 2 / (e + 2), so that 1 - tanh(x)^2
 * is as good as can be. */
INL vd v_tanh(vd x) {
    vd y = v_abs(x), r, t, s, e;
    y = sel(y > S(22), S(22), y);
    t = by_ln2(y + y, &r);
    s = two_to(t, 0);
    e = mad(expm1_small(r), s, s - S(1));
    vi above = y > S(1);
    return v_copysign(sel(above, S(-2), e) / (e + S(2)) + (vd)(above & (vi)S(1)), x);
}
/* 2.4 ulp. */
INL vd v_sigmoid(vd x) {
    vd e = exp_of_negative(x);
    return sel(x < S(0), e, S(1)) / (S(1) + e);
}

/* ---- logarithms -------------------------------------------------------------------------------------------------- */

/* With s = f / (2 + f): ln(1 + f) = f - s (f - z R(z)) where z = s^2, R = 2/3 + z L(z); |s| <= 0.1716. L to 2^-59. */
POLYNOMIAL(log_rest, 6, 0x1.999999998feefp-2, 0x1.24924935e2411p-2, 0x1.c71c5aaa98e6ap-3, 0x1.7464a5e3cff78p-3,
           0x1.39c7900270411p-3, 0x1.2da33b268be26p-3)

/* x = m 2^e with sqrt(1/2) <= m < sqrt(2); for x > 0 that are not subnormal. */
INL vd mantissa(vd x, vd* e) {
    vi i = (vi)x + SI(0x3FF0000000000000 - 0x3FE6A09E667F3BCD);
    *e = (vd)((vi)((vu)i >> 52) | (vi)S(0x1p52)) - S(0x1p52 + 1023);
    return (vd)((i & SI(0x000FFFFFFFFFFFFF)) + SI(0x3FE6A09E667F3BCD));
}
/* The same for subnormal x too. */
INL vd any_mantissa(vd x, vd* e) {
    vi small = x < S(0x1p-1022);
    vd m = mantissa(sel(small, x * S(0x1p54), x), e);
    *e = sel(small, *e - S(54), *e);
    return m;
}
/* f - ln(1 + f) and s. */
INL vd log_bend(vd f, vd* s) {
    vd q = f / (f + S(2)), z = q * q;
    *s = q;
    return q * (f - z * mad(z, log_rest(z), S(2.0 / 3)));
}
/* What logarithms give at 0, below 0, at inf and at nan. */
INL vd log_edges(vd x, vd y) {
    y = sel(x > S(0), y, S(NOT_A_NUMBER));
    y = sel(x == S(0), S(-INFINITE), y);
    return sel(x == S(INFINITE), x, y);
}
/* 1.3 ulp. */
INL vd v_log(vd x) {
    vd e, s, f = any_mantissa(x, &e) - S(1), y = mad(e, S(LN2_LOW), f - log_bend(f, &s));
    return log_edges(x, mad(e, S(LN2_HIGH), y));
}
/* ln(1 + x) for -1 < x < inf. The rounding error of 1 + x, c, adds c / (1 + x), where 1 + f = (1 + s) / (1 - s). */
INL vd log1p_inside(vd x) {
    vd u = x + S(1), c = x - (u - S(1)), e, m = mantissa(u, &e), f = m - S(1), s, bend = log_bend(f, &s), y;
    c = c * (vd)((vi)S(2) - ((vi)u - (vi)m)); /* 2^(1 - e), as u was divided by 2^e */
    y = mad(c, mad(s, s - S(1), S(0.5)), -bend);
    return mad(e, S(LN2_HIGH), mad(e, S(LN2_LOW), f + y));
}
/* 1.3 ulp. */
INL vd v_log1p(vd x) {
    vd y = log1p_inside(x);
    y = sel(x > S(-1), y, S(NOT_A_NUMBER));
    y = sel(x == S(-1), S(-INFINITE), y);
    return sel((x == S(0)) | (x == S(INFINITE)), x, y);
}
/* 1.9 ulp. */
INL vd v_softplus(vd x) { return sel(x < S(0), S(0), x) + log1p_inside(exp_of_negative(x)); }

/* In a base b: e log_b(2) + ln(m) log_b(e), both constants in two parts, the first of 40 and 26 bits. */
INL vd log_of_base(vd x, double two, double two_low, double unit, double unit_low) {
    vd e, s, f = any_mantissa(x, &e) - S(1), bend = log_bend(f, &s), lm = f - bend, high, low, whole, y;
    high = (vd)((vi)lm & SI(~0x7FFFFFFLL));
    low = mad((f - high) - bend, S(unit), lm * S(unit_low));
    whole = e * S(two);
    y = quick_sum(whole, high * S(unit), &s);
    return log_edges(x, y + (s + mad(e, S(two_low), low)));
}
/* 1.0 ulp; whole powers of ten are exact. */
INL vd v_log10(vd x) {
    return log_of_base(x, 0x1.34413509f6p-2, 3.694239077158931e-13, 0x1.bcb7b1p-2, 4.798111141615973e-09);
}
/* 1.1 ulp; powers of two are exact. */
INL vd v_log2(vd x) { return log_of_base(x, 1, 0, 0x1.715476p+0, 1.9259629911266175e-08); }

/* 2.0 ulp; where x^2 could be too large it is ln(2 x). */
INL vd v_asinh(vd x) {
    vd a = v_abs(x), q = sel(a > S(0x1p60), S(0), a), y = q * q;
    y = q + y / (S(1) + v_sqrt(y + S(1)));
    y = log1p_inside(sel(a > S(0x1p60), a, y)) + sel(a > S(0x1p60), S(LN2_HIGH + LN2_LOW), S(0));
    return sel((a == S(INFINITE)) | (a != a) | (a < S(0x1p-28)), x, v_copysign(y, x));
}
/* 2.5 ulp. */
INL vd v_acosh(vd x) {
    vd t = x - S(1), y = t + v_sqrt(t * (t + S(2)));
    y = log1p_inside(sel(x > S(0x1p60), x, y)) + sel(x > S(0x1p60), S(LN2_HIGH + LN2_LOW), S(0));
    return sel(x == S(INFINITE), x, sel(x >= S(1), y, S(NOT_A_NUMBER)));
}
/* 1.9 ulp: ln((1 + x) / (1 - x)) / 2. */
INL vd v_atanh(vd x) {
    vd a = v_abs(x), t = a + a, y = t / (S(1) - a);
    y = S(0.5) * log1p_inside(sel(a < S(0.5), mad(t, a / (S(1) - a), t), y));
    y = sel(a < S(1), y, sel(a == S(1), S(INFINITE), S(NOT_A_NUMBER)));
    return sel(a < S(0x1p-28), x, v_copysign(y, x));
}

/* ---- powers ------------------------------------------------------------------------------------------------------ */

/* The same L with a term more, to 2^-66. */
POLYNOMIAL(log_rest_long, 7, 0x1.9999999999b31p-2, 0x1.2492492457b3ap-2, 0x1.c71c722d981cbp-3, 0x1.745ce9d1a6e0dp-3,
           0x1.3b1eef59f5f5fp-3, 0x1.0f7f99d859cdep-3, 0x1.0e45a88725f09p-3)

/* ln(x) and what it lacks, to 2^-65, for 0 < x < inf: 2 s + 2/3 s^3 + s^5 L(s^2), the first two in two doubles each. */
INL vd log_and_rest(vd x, vd* rest) {
    vd e, m = any_mantissa(x, &e), f = m - S(1), d = m + S(1), dl = m - (d - S(1)), s = f / d;
    vd sl, p, pl, z, zl, c, cl, a, b, g;
    p = product_and_rest(s, d, &pl);
    sl = (((f - p) - pl) - s * dl) / d;
    z = product_and_rest(s, s, &zl);
    zl = zl + S(2) * s * sl;
    c = product_and_rest(z, s, &cl);
    cl = cl + (z * sl + zl * s);
    p = product_and_rest(c, S(2.0 / 3), &pl);
    pl = pl + (cl * S(2.0 / 3) + c * S(3.700743415417188e-17)) + c * z * log_rest_long(z);
    a = sum_and_rest(e * S(LN2_HIGH), s + s, &b);
    a = sum_and_rest(a, p, &g);
    return quick_sum(a, (b + g) + (pl + mad(e, S(LN2_LOW), sl + sl)), rest);
}
/* 1.4 ulp. As C's pow. */
INL vd v_pow(vd x, vd y) {
    vd a = v_abs(x), w = v_abs(y), l, ll, r, t, p, pl, half = y * S(0.5);
    vi whole = v_floor(y) == y, odd = whole & (v_floor(half) != half);
    w = v_copysign(sel(w > S(0x1p70), S(0x1p70), w), y);
    l = log_and_rest(a, &ll);
    p = product_and_rest(w, l, &pl);
    pl = mad(w, ll, pl);
    pl = sel(v_abs(p) > S(746), S(0), pl);
    p = sel(p > S(710), S(710), p);
    t = by_ln2(sel(p < S(-746), S(-746), p), &r);
    p = scaled(exp_small(r + pl), t);
    p = sel(a == S(0), sel(y < S(0), S(INFINITE), S(0)), p);
    p = sel(a == S(INFINITE), sel(y < S(0), S(0), S(INFINITE)), p);
    p = sel((x < S(0)) & (a < S(INFINITE)) & ~whole, S(NOT_A_NUMBER), p);
    p = (vd)((vi)p ^ (odd & (vi)x & SI(SIGN)));
    p = sel((x != x) | (y != y), x + y, p);
    return sel((y == S(0)) | (x == S(1)), S(1), p);
}
/* 1.2 ulp; inf beside nan is inf. */
INL vd v_hypot(vd x, vd y) {
    vd a = v_abs(x), b = v_abs(y), top = sel(a > b, a, b), up = S(1), r;
    up = sel(top > S(0x1p500), S(0x1p-600), up);
    up = sel(top < S(0x1p-400), S(0x1p600), up);
    a = a * up;
    b = b * up;
    r = v_sqrt(mad(a, a, b * b)) * sel(up == S(1), S(1), S(1) / up);
    return sel((a == S(INFINITE)) | (b == S(INFINITE)), S(INFINITE), r);
}

/* ---- angles ------------------------------------------------------------------------------------------------------ */

/* (sin(x) - x) / x^3 and (cos(x) - 1 + x^2 / 2) / x^4 of z = x^2, for |x| <= pi/4; to 2^-57 and 2^-59 of sin, cos. */
POLYNOMIAL(sin_rest, 6, -0x1.5555555555549p-3, 0x1.111111110f87ep-7, -0x1.a01a019c1204bp-13, 0x1.71de357817579p-19,
           -0x1.ae5e6689038f5p-26, 0x1.5d9318792b3c9p-33)
POLYNOMIAL(cos_rest, 6, 0x1.555555555554bp-5, -0x1.6c16c16c14f8ep-10, 0x1.a01a019c83f04p-16, -0x1.27e4f7ea7e3e6p-22,
           0x1.1ee9d783c7206p-29, -0x1.8fa48000f22dap-37)

/* The first 1,280 bits of 2/pi behind the point. */
static const uint32_t two_by_pi[40] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d,
};

/* 64 bits of a long number of 32-bit digits, from bit `at` on. */
static uint64_t bits_at(const uint32_t* digits, int64_t at) {
    int64_t k = at >> 5, shift = at & 31;
    uint64_t low = digits[k] | (uint64_t)digits[k + 1] << 32;
    return shift ? low >> shift | (uint64_t)digits[k + 2] << (64 - shift) : low;
}
/* |x| in quarter turns, modulo 4, by Payne and Hanek: the whole number and the rest, which is at most 1/2 in size, in
 * two doubles. For 2^20 <= |x| < inf. Of 2/pi only the 7 digits are multiplied that matter. */
static int64_t huge_turns(double x, double* rest, double* low) {
    uint64_t word, carry = 0, m, f, g;
    __builtin_memcpy(&word, &x, 8);
    int64_t e = (int64_t)(word >> 52 & 2047) - 1075, first = e < 34 ? 0 : (e - 2) >> 5, point = 32 * (first + 7) - e;
    m = (word & 0x000FFFFFFFFFFFFF) | 0x0010000000000000;
    uint32_t digits[12] = {0}; /* m times the 7 digits, the lowest first */
    for (int half = 0; half < 2; half++, m >>= 32, carry = 0) {
        for (int k = 0; k < 7; k++) {
            carry += (m & 0xFFFFFFFF) * two_by_pi[first + 6 - k] + digits[half + k];
            digits[half + k] = (uint32_t)carry;
            carry >>= 32;
        }
        digits[half + 7] = (uint32_t)carry;
    }
    int64_t turns = (int64_t)(bits_at(digits, point) & 3);
    f = bits_at(digits, point - 64);
    g = bits_at(digits, point - 128);
    int negative = (int)(f >> 63);
    if (negative) {
        turns++;
        f = ~f + (g == 0);
        g = -g;
    }
    double high = (double)(f & ~0x7FFULL) * 0x1p-64, rough = ((double)(f & 0x7FF) + (double)g * 0x1p-64) * 0x1p-64;
    double r = high + rough;
    *rest = negative ? -r : r;
    *low = negative ? r - high - rough : high - r + rough;
    return turns;
}
/* x = q pi/2 + r + low with |r| <= pi/4; gives q modulo 4. */
INL vi quarter_turns(vd x, vd* r, vd* low) {
    vd size = v_abs(x), y, t, n, a, b, c, d;
    vi huge = ~(size < S(0x1p20)), q;
    y = sel(huge, S(0), x);
    t = mad(y, S(0.6366197723675814), S(MAGIC));
    n = t - S(MAGIC);
    /* pi/2 in three parts of 33 bits, exact times n, and the rest */
    a = sum_and_rest(mad(n, S(-0x1.921fb544p+0), y), n * S(-0x1.0b4611a6p-34), &b);
    a = sum_and_rest(a, n * S(-0x1.3198a2ep-69), &c);
    b = mad(n, S(-0x1.b839a252049c1p-104), b + c);
    a = quick_sum(a, b, &c);
    *r = sel(n == S(0), y, a);
    *low = sel(n == S(0), S(0), c);
    q = (vi)t;
    if (any(huge)) {
        a = b = S(NOT_A_NUMBER);
        for (int i = 0; i < V; i++)
            if (huge[i] && size[i] < INFINITE) {
                double rest, lower;
                int64_t turns = huge_turns(size[i], &rest, &lower);
                q[i] = x[i] < 0 ? -turns : turns;
                a[i] = x[i] < 0 ? -rest : rest;
                b[i] = x[i] < 0 ? -lower : lower;
            }
        c = product_and_rest(a, S(HALF_PI), &d);
        d = d + mad(a, S(HALF_PI_LOW), b * S(HALF_PI));
        a = quick_sum(c, d, &b);
        *r = sel(huge, a, *r);
        *low = sel(huge, b, *low);
    }
    return q;
}
/* sin and cos of r + low. */
INL vd sin_small(vd r, vd low) {
    vd z = r * r;
    return sel(r == S(0), r, r + mad(r * z, sin_rest(z), low)); /* -0 stays */
}
INL vd cos_small(vd r, vd low) {
    vd z = r * r, half = z * S(0.5), w = S(1) - half;
    return w + (((S(1) - w) - half) + mad(z * z, cos_rest(z), -r * low));
}
INL vd sin_shifted(vd x, int64_t shift) { /* sin(x + shift pi/2) */
    vd r, low;
    vi q = quarter_turns(x, &r, &low) + SI(shift);
    vd y = sel((q & SI(1)) == SI(1), cos_small(r, low), sin_small(r, low));
    return (vd)((vi)y ^ (q & SI(2)) << 62);
}
/* 0.9 ulp, for all numbers. */
INL vd v_sin(vd x) { return sin_shifted(x, 0); }
/* 0.9 ulp, for all numbers. */
INL vd v_cos(vd x) { return sin_shifted(x, 1); }
/* 2.4 ulp, for all numbers. */
INL vd v_tan(vd x) {
    vd r, low;
    vi odd = (quarter_turns(x, &r, &low) & SI(1)) == SI(1);
    vd s = sin_small(r, low), c = cos_small(r, low);
    return sel(odd, -c, s) / sel(odd, s, c);
}

/* (atan(t) / t - 1) / z with z = t^2, for |t| <= tan(pi/8); to 2^-58 of atan. */
POLYNOMIAL(atan_rest, 11, -0x1.555555555553dp-2, 0x1.99999999958eep-3, -0x1.24924922b12f9p-3, 0x1.c71c70e7a73cbp-4,
           -0x1.745cf90b9644dp-4, 0x1.3b111c6c1cdecp-4, -0x1.10ebddeafe6a7p-4, 0x1.df116b65c6a88p-5,
           -0x1.9cdc36a7af238p-5, 0x1.37ed64663b605p-5, -0x1.259d90931ab16p-6)
/* (asin(s) / s - 1) / z with z = s^2, for |s| <= 1/2; to 2^-55 of asin. */
POLYNOMIAL(asin_rest, 12, 0x1.5555555555387p-3, 0x1.333333336f8a9p-4, 0x1.6db6db41d2ed0p-5, 0x1.f1c72c6d86db2p-6,
           0x1.6e89ef75f74f6p-6, 0x1.1c6c27e996b2cp-6, 0x1.c6f87b509392ap-7, 0x1.8ee4b1c7dbbecp-7,
           0x1.aab36ac541279p-8, 0x1.40b1fd147b103p-6, -0x1.0af4eb59cc82cp-6, 0x1.05ce5bc05173cp-5)

/* The angle of the point (x, y) with x >= 0, y >= 0, not both 0 or inf: below the diagonal or mirrored at it, and near
 * the diagonal turned by pi/4. */
INL vd angle(vd y, vd x) {
    vi above = y > x;
    vd n = sel(above, x, y), d = sel(above, y, x), t, z, a;
    vi near = n > d * S(0.4142135623730950);
    t = sel(near, n - d, n) / sel(near, n + d, d);
    z = t * t;
    a = mad(t * z, atan_rest(z), t);
    a = sel(near, S(HALF_PI / 2) + (a + S(HALF_PI_LOW / 2)), a);
    return sel(above, S(HALF_PI) - (a - S(HALF_PI_LOW)), a);
}
/* 2.3 ulp. */
INL vd v_atan(vd x) { return v_copysign(angle(v_abs(x), S(1)), x); }
/* 2.4 ulp. */
INL vd v_atan2(vd y, vd x) {
    vd b = v_abs(y), a = v_abs(x), scale, r;
    vi both = (a == S(INFINITE)) & (b == S(INFINITE)), none = (a == S(0)) & (b == S(0));
    scale = sel((a > S(0x1p1000)) | (b > S(0x1p1000)), S(0.25), S(1)); /* a sum may be inf */
    scale = sel((a < S(0x1p-900)) & (b < S(0x1p-900)), S(0x1p100), scale); /* a product subnormal */
    a = sel(both | none, S(1), a * scale);
    b = sel(both, S(1), b * scale);
    r = angle(b, a);
    r = sel((vi)x < SI(0), S(2 * HALF_PI) - (r - S(2 * HALF_PI_LOW)), r);
    return sel((x != x) | (y != y), x + y, v_copysign(r, y));
}
/* asin of s, or of the rest (1 - |x|) / 2 where |x| > 1/2: asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)). */
INL vd asin_half(vd a, vi large) {
    vd z = sel(large, (S(1) - a) * S(0.5), a * a), s = sel(large, v_sqrt(z), a);
    return mad(s * z, asin_rest(z), s);
}
/* 2.3 ulp. */
INL vd v_asin(vd x) {
    vd a = v_abs(x), r = asin_half(a, a > S(0.5));
    return v_copysign(sel(a > S(0.5), S(HALF_PI) - (r + r - S(HALF_PI_LOW)), r), x);
}
/* 1.3 ulp. */
INL vd v_acos(vd x) {
    vd a = v_abs(x), r = asin_half(a, a > S(0.5)), right = r + r;
    vd left = S(2 * HALF_PI) - (right - S(2 * HALF_PI_LOW));
    return sel(a > S(0.5), sel(x < S(0), left, right), S(HALF_PI) - (v_copysign(r, x) - S(HALF_PI_LOW)));
}

/* ---- the error function ------------------------------------------------------------------------------------------ */

/* erf(x) / x - 1 of x^2 for |x| <= 1, to 2^-54 of erf. */
POLYNOMIAL(erf_inner, 12, 0x1.06eba8214db68p-3, -0x1.812746b0379c2p-2, 0x1.ce2f21a041018p-4, -0x1.b82ce312062bcp-6,
           0x1.565bccfa9a825p-8, -0x1.c02db072f3fe0p-11, 0x1.f9a2bf73f0c68p-14, -0x1.f4ca94990cb86p-17,
           0x1.b9827b1885f9bp-20, -0x1.5c16e30fb0d45p-23, 0x1.d784936618cc2p-27, -0x1.acdff90b8ebd8p-31)
/* ln(1 - erf(x)) for 1 <= x <= 6, which gives erf to 2^-56. */
POLYNOMIAL(erf_outer, 18, -5.132369390637237e-07, -1.1283739917504727, -0.6366440549402285, -0.10270229019592705,
           0.018988042720202134, 0.0004135357051101226, -0.0019189448010197424, 0.0007730424738691921,
           -0.00013655383825459226, -1.952397218809836e-05, 2.2533318396996647e-05, -8.578917515109204e-06,
           2.114831726755434e-06, -3.695710324555391e-07, 4.593392749032493e-08, -3.890076219541629e-09,
           2.0203770957782872e-10, -4.865188296302495e-12)
/* 1.4 ulp. */
INL vd v_erf(vd x) {
    vd a = v_abs(x), r, t, y;
    a = sel(a > S(6), S(6), a);
    t = by_ln2(erf_outer(a), &r);
    y = S(1) - exp_small(r) * two_to(t, 0);
    return sel(a < S(1), mad(x, erf_inner(x * x), x), v_copysign(y, x));
}

/* ---- the remainder ----------------------------------------------------------------------------------------------- */

/* x - n y with the whole n that is nearest to 0 from x / y, exact: long division, for finite x and y that is not 0. */
static double long_remainder(double x, double y) {
    uint64_t a, b;
    __builtin_memcpy(&a, &x, 8);
    __builtin_memcpy(&b, &y, 8);
    int64_t ea = (int64_t)(a >> 52 & 2047), eb = (int64_t)(b >> 52 & 2047);
    uint64_t sign = a & 1ULL << 63, m = a & ~0ULL >> 12, n = b & ~0ULL >> 12;
    if (ea) m |= 1ULL << 52; else ea = 1;
    if (eb) n |= 1ULL << 52; else eb = 1;
    if (ea < eb) return x;
    for (m %= n; ea > eb; ea--) m = (m << 1) % n;
    if (m) while (!(m >> 52) && eb > 1) m <<= 1, eb--;
    m = sign | (m >> 52 ? (uint64_t)eb << 52 | (m & ~0ULL >> 12) : m);
    __builtin_memcpy(&x, &m, 8);
    return x;
}
/* Python's x % y, exact but for its last step: of the sign of y; x % 0 is nan. */
INL vd v_remainder(vd x, vd y) {
    vd a = v_abs(x), b = v_abs(y), n = v_floor(a / b), p, low, r;
    vi plain = (n < S(0x1p52)) & (a < S(0x1p990)) & (b < S(0x1p990)) & (b > S(0x1p-900)), outside;
    p = product_and_rest(n, b, &low);
    r = (a - p) - low;
    r = v_copysign(sel(r < S(0), r + b, r), x); /* a / b may have been rounded up to n */
    r = sel(b == S(INFINITE), x, r);
    outside = ~plain & (a < S(INFINITE)) & (b < S(INFINITE)) & (b > S(0));
    if (any(outside))
        for (int i = 0; i < V; i++)
            if (outside[i]) r[i] = long_remainder(x[i], y[i]);
    r = sel(r == S(0), v_copysign(r, y), sel(((vi)r ^ (vi)y) < SI(0), r + y, r));
    return sel((a < S(INFINITE)) & (y == y) & (y != S(0)), r, S(NOT_A_NUMBER));
}

/* ---- Python's random numbers ------------------------------------------------------------------------------------- */

/* The Mersenne twister MT19937 (Matsumoto and Nishimura, 1998) as random.Random keeps it: 624 words and the index of
 * the next one, what getstate()[1] gives and setstate takes. */
#define WORDS 624
#define FAR 397

/* The word `far` words on, and the first bit of one word before the other 31 of the next. */
static inline uint32_t twisted(uint32_t far, uint32_t word, uint32_t next) {
    uint32_t y = (word & 0x80000000) | (next & 0x7FFFFFFF);
    return far ^ y >> 1 ^ (y & 1 ? 0x9908B0DF : 0);
}
static uint32_t twister_word(uint32_t* state) {
    if (state[WORDS] >= WORDS) {
        int k = 0;
        for (; k < WORDS - FAR; k++) state[k] = twisted(state[k + FAR], state[k], state[k + 1]);
        for (; k < WORDS - 1; k++) state[k] = twisted(state[k + FAR - WORDS], state[k], state[k + 1]);
        state[k] = twisted(state[FAR - 1], state[k], state[0]);
        state[WORDS] = 0;
    }
    uint32_t y = state[state[WORDS]++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680;
    y ^= y << 15 & 0xEFC60000;
    return y ^ y >> 18;
}
/* Random.random(): 53 bits of [0, 1). */
static inline double twister_random(uint32_t* state) {
    uint32_t a = twister_word(state) >> 5, b = twister_word(state) >> 6;
    return (a * 0x1p26 + b) * 0x1p-53;
}
/* Random._randbelow(n) for n >= 1: of as many bits as n has, again until it is below n. */
static uint64_t twister_below(uint32_t* state, uint64_t n) {
    int k = 64 - __builtin_clzll(n);
    for (;;) {
        uint64_t r;
        if (k <= 32)
            r = twister_word(state) >> (32 - k);
        else { /* the lower word first */
            r = twister_word(state);
            r |= (uint64_t)(twister_word(state) >> (64 - k)) << 32;
        }
        if (r < n) return r;
    }
}
/* Random.shuffle(order), of n numbers. */
static void twister_shuffle(uint32_t* state, int64_t* order, int64_t n) {
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)twister_below(state, (uint64_t)i + 1), held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}
