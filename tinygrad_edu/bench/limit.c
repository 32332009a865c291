/* How fast a step can be: two nets, each written out for its sizes, in vectors as wide as the processor has them.

   A row of units is a few vectors, W stands as (inputs x units), and all products of a layer are one loop over blocks
   of sums that stay in registers. Weights, data and activations fit the first cache: deltas take the
   place of activations. A step is forward, loss, backward
   and an update with momentum (0: plain SGD); the examples are the same in all steps.

   Built for the processor it runs on: cc -O3 -march=native -shared -fPIC limit.c */
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 8
#elif defined(__AVX__)
#define LANES 4
#else
#define LANES 2
#endif
#define BLOCK (LANES == 8 ? 16 : 8) /* so many vectors of sums are in registers at a time, */
#define PART 4                      /* so many of them of a row */
#define VECTORS(n) (((n) + LANES - 1) / LANES)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef double vec __attribute__((vector_size(8 * LANES), may_alias));
typedef int64_t mask __attribute__((vector_size(8 * LANES), may_alias));

INLINE vec all(double x) { return x - (vec){0}; }
INLINE mask every(int64_t x) { return x - (mask){0}; }
INLINE vec where(mask m, vec a) { return (vec)(m & (mask)a); }
INLINE vec choose(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
INLINE double total(vec a) {
    double s = 0;
    for (int l = 0; l < LANES; l++) s += a[l];
    return s;
}

/* exp of numbers <= 0, log of numbers >= 1: what the losses need, to about 2 ulp. */
static const double EXP[13] = {1.0, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
                               1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800.};
static const double LOG[10] = {2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21};
#define ROUND 6755399441055744.0 /* added and subtracted: rounds to a whole number */

INLINE vec polynomial(vec x, const double *c, int n) {
    vec y = all(c[n - 1]);
    UNROLL for (int k = n - 2; k >= 0; k--) y = y * x + all(c[k]);
    return y;
}
INLINE vec exp_of(vec x) {
    x = choose(x < all(-700), all(-700), x);
    vec t = x * all(1.4426950408889634) + all(ROUND), n = t - all(ROUND);
    vec r = (x - n * all(6.93147180369123816490e-01)) - n * all(1.90821492927058770002e-10);
    mask power = (mask)t - (mask)all(ROUND);
    return (polynomial(r, EXP, 13) * r + all(1)) * (vec)((power + every(1023)) << 52);
}
INLINE vec log_of(vec x) {
    mask e = ((mask)x - every(0x3FE6A09E667F3BCD)) >> 52;
    vec n = (vec)(e + (mask)all(ROUND)) - all(ROUND), f = (vec)((mask)x - (e << 52)) - all(1);
    vec s = f / (f + all(2)), z = s * s;
    return n * all(0.6931471805599453) + ((s + s) + polynomial(z, LOG, 10) * z * s);
}

/* LANES rows become columns: in turn single numbers, pairs, ... of two vectors change places. */
INLINE void transpose(vec *v) {
#if defined(__clang__)
    vec w[LANES];
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) w[j][i] = v[i][j];
    memcpy(v, w, sizeof w);
#else
    mask lane = {0};
    UNROLL for (int l = 0; l < LANES; l++) lane[l] = l;
    UNROLL for (int w = 1; w < LANES; w *= 2) {
        mask upper = (lane & every(w)) != every(0);
        UNROLL for (int i = 0; i < LANES; i++)
            if (!(i & w)) {
                vec a = v[i], b = v[i + w];
                v[i] = __builtin_shuffle(a, b, lane + (upper & every(LANES - w)));
                v[i + w] = __builtin_shuffle(a, b, lane + every(w) + (upper & every(LANES - w)));
            }
    }
#endif
}
/* out[j, i] = in[i, j]; rows and columns are multiples of LANES. */
INLINE void turn(int rows, int columns, const vec *in, vec *out) {
    for (int i = 0; i < rows / LANES; i++)
        for (int j = 0; j < columns / LANES; j++) {
            vec v[LANES];
            UNROLL for (int l = 0; l < LANES; l++) v[l] = in[(i * LANES + l) * (columns / LANES) + j];
            transpose(v);
            UNROLL for (int l = 0; l < LANES; l++) out[(j * LANES + l) * (rows / LANES) + i] = v[l];
        }
}

static double rate, momentum;
/* w = w - rate v, v = momentum v + gradient. */
INLINE void change(vec *w, vec *v, vec gradient) {
    *v = all(momentum) * *v + gradient;
    *w -= all(rate) * *v;
}

/* What becomes of the sums: FORWARD adds the bias `aid` first, RELU cuts at 0, too; BACK is 0 where `aid` is, and adds
   its rows up in `bias`; UPDATE takes them as the gradient of `out`, whose velocity is `aid`. */
enum kind { FORWARD, RELU, BACK, UPDATE };

/* n rows of sum over k of a[r, k] b[k, :], where a[r, k] stands at r row + k step; `part` of the `vectors` of a row. */
INLINE void block(enum kind kind, int n, int part, int inner, int vectors, const double *a, int row, int step,
                  const vec *b, vec *out, vec *aid, vec *bias) {
    vec sums[BLOCK];
    UNROLL for (int r = 0; r < n; r++)
        UNROLL for (int j = 0; j < part; j++) sums[r * part + j] = kind <= RELU ? aid[j] : all(0);
    for (int k = 0; k < inner; k++)
        UNROLL for (int r = 0; r < n; r++)
            UNROLL for (int j = 0; j < part; j++)
                sums[r * part + j] += all(a[r * row + k * step]) * b[k * vectors + j];
    UNROLL for (int r = 0; r < n; r++)
        UNROLL for (int j = 0; j < part; j++) {
            vec s = sums[r * part + j], *to = out + r * vectors + j;
            if (kind == UPDATE) { change(to, aid + r * vectors + j, s); continue; }
            if (kind == RELU) s = where(s > all(0), s);
            if (kind == BACK) s = where(aid[r * vectors + j] > all(0), s);
            *to = sums[r * part + j] = s;
        }
    if (kind == BACK)
        UNROLL for (int j = 0; j < part; j++) {
            vec s = sums[j];
            UNROLL for (int r = 1; r < n; r++) s += sums[r * part + j];
            bias[j] += s;
        }
}
INLINE void columns(enum kind kind, int rows, int part, int inner, int vectors, const double *a, int row, int step,
                    const vec *b, vec *out, vec *aid, vec *bias) {
    int n = BLOCK / part, left = rows % n, r = 0;
    for (; r < rows - left; r += n, out += n * vectors, aid += kind <= RELU ? 0 : n * vectors)
        block(kind, n, part, inner, vectors, a + r * row, row, step, b, out, aid, bias);
    if (left) block(kind, left, part, inner, vectors, a + r * row, row, step, b, out, aid, bias);
}
INLINE void layer(enum kind kind, int rows, int inner, int vectors, const double *a, int row, int step, const vec *b,
                  vec *out, vec *aid, vec *bias) {
    int left = vectors % PART, j = 0;
    for (; j < vectors - left; j += PART)
        columns(kind, rows, PART, inner, vectors, a, row, step, b + j, out + j, aid + j, bias + j);
    if (left) columns(kind, rows, left, inner, vectors, a, row, step, b + j, out + j, aid + j, bias + j);
}

/* Rows of n numbers take the place of whole vectors; gives the end of what was packed. */
INLINE double *unpack(double *packed, int rows, int n, vec *to) {
    for (int r = 0; r < rows; r++, packed += n) memcpy(to + r * VECTORS(n), packed, n * sizeof(double));
    return packed;
}

/* 2-16-16-1, relu, 100 examples: the mean squared error, or the binary cross entropy of a logit. */
enum { N = 100, H = VECTORS(16), GROUPS = VECTORS(N) };
static struct { vec W1[2 * H], b1[H], W2[16 * H], b2[H], w3[H], b3[1]; } P, Q; /* parameters, velocities */
static double X[N * 2];
static vec Y[GROUPS], A1[GROUPS * LANES * H], A2[GROUPS * LANES * H], D3[GROUPS];

void moons_start(double *x, double *y, double *parameters) {
    memset(&Q, 0, sizeof Q);
    memcpy(X, x, sizeof X);
    memcpy(Y, y, N * sizeof(double));
    double *at = unpack(unpack(parameters, 2, 16, P.W1), 1, 16, P.b1);
    unpack(unpack(unpack(unpack(at, 16, 16, P.W2), 1, 16, P.b2), 1, 16, P.w3), 1, 1, P.b3);
}
INLINE double moons_step(int entropy) {
    vec W2[16 * H], b1[H] = {0}, b2[H] = {0}, w3[2 * H] = {0}, loss = {0}, sum = {0};
    turn(16, 16, P.W2, W2);
    layer(RELU, N, 2, H, X, 2, 1, P.W1, A1, P.b1, 0);
    layer(RELU, N, 16, H, (double *)A1, 16, 1, P.W2, A2, P.b2, 0);
    for (int g = 0; g < GROUPS; g++) {
        vec part[LANES], z = all(P.b3[0][0]);
        UNROLL for (int l = 0; l < LANES; l++) {
            part[l] = A2[(g * LANES + l) * H] * P.w3[0];
            UNROLL for (int j = 1; j < H; j++) part[l] += A2[(g * LANES + l) * H + j] * P.w3[j];
        }
        transpose(part);
        UNROLL for (int l = 0; l < LANES; l++) z += part[l];
        vec each, d;
        if (entropy) {
            vec e = exp_of(choose(z > all(0), -z, z)), share = all(1) / (all(1) + e);
            each = where(z > all(0), z) - z * Y[g] + log_of(all(1) + e);
            d = choose(z > all(0), share, e * share) - Y[g];
        } else {
            d = z - Y[g];
            each = d * d;
            d += d;
        }
        if (N % LANES != 0 && g == GROUPS - 1) { /* places without an example */
            mask lane = {0};
            UNROLL for (int l = 0; l < LANES; l++) lane[l] = l;
            each = where(lane < every(N % LANES), each);
            d = where(lane < every(N % LANES), d);
        }
        loss += each;
        sum += D3[g] = d * all(1.0 / N);
    }
    const double *d = (double *)D3;
    for (int e = 0; e < N; e += 2)
        UNROLL for (int i = 0; i < 2 * H; i++) {
            vec a = A2[e * H + i], t = all(d[e + i / H]);
            w3[i] += t * a;
            b2[i % H] += A2[e * H + i] = where(a > all(0), t * P.w3[i % H]);
        }
    layer(UPDATE, 16, N, H, (double *)A1, 1, 16, A2, P.W2, Q.W2, 0);
    layer(BACK, N, 16, H, (double *)A2, 16, 1, W2, A1, A1, b1);
    layer(UPDATE, 2, N, H, X, 1, 2, A1, P.W1, Q.W1, 0);
    UNROLL for (int j = 0; j < H; j++) {
        change(P.b1 + j, Q.b1 + j, b1[j]);
        change(P.b2 + j, Q.b2 + j, b2[j]);
        change(P.w3 + j, Q.w3 + j, w3[j] + w3[H + j]);
    }
    change(P.b3, Q.b3, all(total(sum)));
    return total(loss) / N;
}

/* 64-32-10, relu, softmax and cross entropy of 32 examples. */
enum { M = 32, U = VECTORS(32), K = 10, KV = VECTORS(K), MV = VECTORS(M) };
static struct { vec W1[64 * U], b1[U], W2[32 * KV], b2[KV]; } p, q;
static double x[M * 64], y[M];
static vec a1[M * U], z2[M * KV];

void digits_start(double *given, double *classes, double *parameters) {
    memset(&p, 0, sizeof p), memset(&q, 0, sizeof q);
    memcpy(x, given, sizeof x);
    memcpy(y, classes, sizeof y);
    unpack(unpack(unpack(unpack(parameters, 64, 32, p.W1), 1, 32, p.b1), 32, K, p.W2), 1, K, p.b2);
}
INLINE double digits_step(void) {
    vec W2[KV * LANES * U], columns[KV * LANES * MV], b1[U] = {0}, b2[KV] = {0}, loss = {0};
    turn(32, KV * LANES, p.W2, W2);
    layer(RELU, M, 64, U, x, 64, 1, p.W1, a1, p.b1, 0);
    layer(FORWARD, M, 32, KV, (double *)a1, 32, 1, p.W2, z2, p.b2, 0);
    turn(M, KV * LANES, z2, columns);
    for (int g = 0; g < MV; g++) {
        vec *z = columns + g, top = z[0], sum = {0}, right = {0}, t;
        memcpy(&t, y + g * LANES, sizeof t);
        UNROLL for (int k = 1; k < K; k++) top = choose(z[k * MV] > top, z[k * MV], top);
        UNROLL for (int k = 0; k < K; k++) {
            vec s = z[k * MV] - top;
            right += where(t == all(k), s);
            sum += z[k * MV] = exp_of(s);
        }
        loss += log_of(sum) - right;
        vec share = all(1.0 / M) / sum;
        UNROLL for (int k = 0; k < K; k++) z[k * MV] = z[k * MV] * share - where(t == all(k), all(1.0 / M));
    }
    turn(KV * LANES, M, columns, z2);
    for (int e = 0; e < M; e++)
        UNROLL for (int j = 0; j < KV; j++) b2[j] += z2[e * KV + j];
    layer(UPDATE, 32, M, KV, (double *)a1, 1, 32, z2, p.W2, q.W2, 0);
    layer(BACK, M, K, U, (double *)z2, KV * LANES, 1, W2, a1, a1, b1);
    layer(UPDATE, 64, M, U, x, 1, 64, a1, p.W1, q.W1, 0);
    UNROLL for (int j = 0; j < U; j++) change(p.b1 + j, q.b1 + j, b1[j]);
    UNROLL for (int j = 0; j < KV; j++) change(p.b2 + j, q.b2 + j, b2[j]);
    return total(loss) / M;
}

/* Steps in turn: the loss before each. */
#define STEPS(name, step)                                                      \
    void name(long steps, double learning_rate, double factor, double *loss) { \
        rate = learning_rate, momentum = factor;                               \
        for (long s = 0; s < steps; s++) loss[s] = step;                       \
    }
STEPS(moons_squared, moons_step(0))
STEPS(moons_entropy, moons_step(1))
STEPS(digits_entropy, digits_step())
