/* A machine for array programs: it walks over a table of instructions, many examples at a time.

All numbers lie in one block of doubles, the arena A; every address in the table is an offset from
its start, every field of the table an int64. So a program is data that can be moved, the same bytes
for every build of this file, also where addresses have 32 bits. Nothing is allocated, and nothing of
the C library is used.

An array with a number per example is stored column by column, `cap` numbers each (rows of a batch,
rounded up to full vectors). An operand is {offset, step per place, step per column, step per row}:
a number, a row of numbers, one column for all places and a full array are read in one way. What
stands beyond the last row of a column is left from other rows, and never summed.

V is the number of doubles in a vector (8: AVX-512, 4: AVX2, 2: the rest); EXPORT(name) is what the
functions are called outside, so that several builds fit one library. */
#ifndef V
#define V 2
#endif
#ifndef EXPORT
#define EXPORT(name) name
#endif
#define PUBLIC __attribute__((visibility("default")))
#include "mathematics.c"

/* --- Vectors ---------------------------------------------------------------------------------- */

typedef double vdu __attribute__((vector_size(8 * V), aligned(8), may_alias));
typedef int64_t word __attribute__((may_alias));

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
/* The sums of the lanes of two, four and eight vectors: with V vectors each lane is one of them. */
#if V == 8
INL vd pair(vd a, vd b) { return SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15); }
INL vd quad(vd a, vd b) { return SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15); }
INL vd octet(vd a, vd b) { return SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15); }
#define SUMS(a) octet(quad(pair(a##0, a##1), pair(a##2, a##3)), quad(pair(a##4, a##5), pair(a##6, a##7)))
#elif V == 4
INL vd pair(vd a, vd b) { return SHUFFLE(a, b, 0, 4, 2, 6) + SHUFFLE(a, b, 1, 5, 3, 7); }
INL vd quad(vd a, vd b) { return SHUFFLE(a, b, 0, 1, 4, 5) + SHUFFLE(a, b, 2, 3, 6, 7); }
#define SUMS(a) quad(pair(a##0, a##1), pair(a##2, a##3))
#else
INL vd pair(vd a, vd b) { return SHUFFLE(a, b, 0, 2) + SHUFFLE(a, b, 1, 3); }
#define SUMS(a) pair(a##0, a##1)
#endif
INL double sum(vd v) {
#if V == 8
    v += SHUFFLE(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
#endif
#if V >= 4
#if V == 8
    v += SHUFFLE(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#else
    v += SHUFFLE(v, v, 2, 3, 0, 1);
#endif
#endif
    return v[0] + v[1];
}
/* All bits of the first n lanes. */
INL vi first(int64_t n) {
    static const int64_t lanes[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    vi l;
    __builtin_memcpy(&l, lanes, sizeof l);
    return l < SI(n);
}

INL vd larger(vd x, vd y) { return sel((x >= y) | (x != x), x, y); }
INL vd smaller(vd x, vd y) { return sel((x <= y) | (x != x), x, y); }
INL vd one_if(vi condition) { return (vd)(condition & (vi)S(1)); }

/* --- Instructions ----------------------------------------------------------------------------- */

/* The instructions by number and name; `code.py` has the same list of names. The first are computed
   number by number: of x, of x and y, of x, y and z. */
#define UNARY(X) \
    X(COPY, "copy", x) X(NEGATIVE, "negative", -x) X(ABS, "abs", v_abs(x)) X(RELU, "relu", sel(x < S(0), S(0), x)) \
    X(SQRT, "sqrt", v_sqrt(x)) X(EXP, "exp", v_exp(x)) X(EXPM1, "expm1", v_expm1(x)) X(LOG, "log", v_log(x)) \
    X(LOG1P, "log1p", v_log1p(x)) X(LOG2, "log2", v_log2(x)) X(LOG10, "log10", v_log10(x)) X(SIGMOID, "sigmoid", v_sigmoid(x)) \
    X(SOFTPLUS, "softplus", v_softplus(x)) X(TANH, "tanh", v_tanh(x)) X(SINH, "sinh", v_sinh(x)) X(COSH, "cosh", v_cosh(x)) \
    X(ASINH, "asinh", v_asinh(x)) X(ACOSH, "acosh", v_acosh(x)) X(ATANH, "atanh", v_atanh(x)) X(SIN, "sin", v_sin(x)) \
    X(COS, "cos", v_cos(x)) X(TAN, "tan", v_tan(x)) X(ASIN, "asin", v_asin(x)) X(ACOS, "acos", v_acos(x)) \
    X(ATAN, "atan", v_atan(x)) X(ERF, "erf", v_erf(x))
#define BINARY(X) \
    X(ADD, "+", x + y) X(SUBTRACT, "-", x - y) X(MULTIPLY, "*", x * y) X(DIVIDE, "divide", x / y) \
    X(MAXIMUM, "maximum", larger(x, y)) X(MINIMUM, "minimum", smaller(x, y)) X(COPYSIGN, "copysign", v_copysign(x, y)) \
    X(LESS, "<", one_if(x < y)) X(LESS_EQUAL, "<=", one_if(x <= y)) X(GREATER, ">", one_if(x > y)) \
    X(GREATER_EQUAL, ">=", one_if(x >= y)) X(EQUAL, "equal", one_if(x == y)) X(NOT_EQUAL, "!=", one_if(x != y)) \
    X(GATE, "gate", sel(x <= S(0), S(0), y)) X(POW, "pow", v_pow(x, y)) X(ATAN2, "atan2", v_atan2(x, y)) \
    X(HYPOT, "hypot", v_hypot(x, y)) X(REMAINDER, "remainder", v_remainder(x, y))
#define TERNARY(X) X(WHERE, "where", sel(x != S(0), y, z))
#define OTHERS(X) \
    X(PRODUCT, "product") X(GRADIENT, "gradient") X(BATCHED, "batched") X(TOTAL, "total") X(MEAN, "mean") \
    X(ROWSUM, "rowsum") X(ROWPROD, "rowprod") X(ROWMAX, "rowmax") X(ROWMIN, "rowmin") X(PICK, "pick") \
    X(OTHERS_SUM, "sums_of_others") X(OTHERS_PRODUCT, "products_of_others") X(TAKE, "take") X(SCATTER, "scatter")
#define NUMBER(code, ...) code,
enum { UNARY(NUMBER) BINARY(NUMBER) TERNARY(NUMBER) OTHERS(NUMBER) INSTRUCTIONS };

/* Where an operand stands: offset, and steps per place, column and row (0 or 1). */
typedef struct { int64_t at, place, column, row; } Operand;
/* `rows` is 0 for as many as there are examples; `index` is where column numbers stand, or how the
   numbers of a product are finished. */
typedef struct { int64_t op, rows, m, n, k, index; Operand out, a, b, c; } Instruction;

INL const double* at(const double* A, Operand o, int64_t p, int64_t j) { return A + o.at + p * o.place + j * o.column; }
INL vd load(const double* q) { return *(const vdu*)q; }
INL vd get(const double* A, Operand o, int64_t p, int64_t j, int64_t i) {
    const double* q = at(A, o, p, j);
    return o.row ? load(q + i) : S(*q);
}
INL void put(double* to, vd v, int64_t left) {
    if (left >= V) *(vdu*)to = v;
    else for (int k = 0; k < V; k++) if (k < left) to[k] = v[k];
}

/* --- Products --------------------------------------------------------------------------------- */

/* X(u, t) for some units and vectors, whose numbers become part of the names of variables: the
   sums are to stay in registers. */
#define VECTORS_1(X, u) X(u, 0)
#define VECTORS_2(X, u) X(u, 0) X(u, 1)
#define VECTORS_4(X, u) VECTORS_2(X, u) X(u, 2) X(u, 3)
#define VECTORS_8(X, u) VECTORS_4(X, u) X(u, 4) X(u, 5) X(u, 6) X(u, 7)
#define UNITS_1(T, X) T(X, 0)
#define UNITS_2(T, X) T(X, 0) T(X, 1)
#define UNITS_4(T, X) UNITS_2(T, X) T(X, 2) T(X, 3)
#define UNITS_8(T, X) UNITS_4(T, X) T(X, 4) T(X, 5) T(X, 6) T(X, 7)
/* How many numbers of one operand stay in the first-level cache while the other passes by. */
#define CACHED 3072

/* A block of a product: `count` terms with steps to the next x and weight (xk, wk); steps of weights,
   bias and result per unit (wu, bu, ou); whether terms are there already; numbers left to the end. Without
   a bias sums start from `zero`: a result's from 0, a gradient's from -0, which changes no number. The
   numbers are then finished: as they are, by relu, or by what passes a gate (step gu per unit). */
typedef struct {
    const double *x, *w, *bias, *gate;
    double* out;
    double zero;
    int64_t count, xk, wk, wu, bu, gu, ou, more, left, finish;
} Block;
enum { AS_IT_IS, BY_RELU, BY_GATE };
#define START(u, t) vd s##u##t = q->more ? load(to + u * q->ou + t * V) : S(q->bias ? bias[u * q->bu] + 0.0 : q->zero);
#define LOAD(u, t) vd x##t = load(x + t * V);
#define TERM(u, t) s##u##t = mad(w##u, x##t, s##u##t);
#define WEIGHT(X, u) vd w##u = S(w[u * q->wu]);
#define STORE(u, t) put(to + u * q->ou + t * V, finished(q, s##u##t, gate + u * q->gu + t * V), q->left - t * V);
INL vd finished(const Block* q, vd s, const double* gate) {
    if (q->finish == BY_RELU) return sel(s < S(0), S(0), s);
    return q->finish == BY_GATE ? sel(load(gate) <= S(0), S(0), s) : s;
}
/* Some units for as many vectors of numbers. */
#define BLOCK(units, vectors) for (; n - u >= units; u += units) { \
    const double *x = q->x, *w = q->w + u * q->wu, *bias = q->bias + u * q->bu, *gate = q->gate + u * q->gu; \
    double* to = q->out + u * q->ou; \
    UNITS_##units(VECTORS_##vectors, START) \
    for (int64_t k = 0; k < q->count; k++, x += q->xk, w += q->wk) { \
        VECTORS_##vectors(LOAD, 0) UNITS_##units(WEIGHT, ) UNITS_##units(VECTORS_##vectors, TERM) } \
    UNITS_##units(VECTORS_##vectors, STORE) }
#define WIDE (V == 8 ? 4 : 2)

/* out = bias + sum of w x, for n units and so many vectors: 1, 2 or WIDE. */
static void blocks(const Block* q, int64_t n, int64_t vectors) {
    int64_t u = 0;
    if (vectors == 1) { BLOCK(8, 1) BLOCK(2, 1) BLOCK(1, 1) }
    else if (vectors == 2) { BLOCK(4, 2) BLOCK(1, 2) }
    else { BLOCK(4, 4) BLOCK(1, 4) }
}
INL int64_t smallest(int64_t a, int64_t b) { return a < b ? a : b; }
INL int64_t vectors_of(int64_t n) { n = (n + V - 1) / V; return n >= WIDE ? WIDE : n >= 2 ? 2 : 1; }

/* out[p][u] = bias[u] + sum of w[u, k] x[p][k] over k, for m places and n units. `b` is w: its place
   is the step to the next unit, its column that to the next k; `c` is the bias, if c.row, or the gate. */
static void product(double* A, const Instruction* I, int64_t full) {
    const int64_t part = CACHED / (WIDE * V);
    const double* bias = I->c.row && I->index != BY_GATE ? A + I->c.at : 0;
    for (int64_t p = 0; p < I->m; p++)
        for (int64_t i = 0, vectors; i < full; i += vectors * V) {
            vectors = vectors_of(full - i);
            const double *x = at(A, I->a, p, 0) + i, *w = A + I->b.at;
            for (int64_t k = 0; k == 0 || k < I->k; k += part) {
                Block q = {x + k * I->a.column, w + k * I->b.column, bias, at(A, I->c, p, 0) + i, (double*)at(A, I->out, p, 0) + i, 0, smallest(part, I->k - k),
                           I->a.column, I->b.column, I->b.place, I->c.column, I->c.column, I->out.column, k > 0, full - i,
                           k + part < I->k ? AS_IT_IS : I->index};
                blocks(&q, I->n, vectors);
            }
        }
}

/* V columns, from x on, become rows of V numbers in `to`; those after the last are read again. */
INL void transpose(double* to, int64_t step, const double* x, int64_t column, int64_t last) {
#define READ_COLUMN(u, h) vd a##h = load(x + smallest(h, last) * column);
#define WRITE(h, v) *(vdu*)(to + h * step) = v;
#if V == 8
#define TWO(a, b, c) vd c##0 = SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14), c##1 = SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
#define FOUR(a, b, c) vd c##0 = SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13), c##2 = SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
#define EIGHT(h, l, a, b) WRITE(h, SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)) WRITE(l, SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15))
    VECTORS_8(READ_COLUMN, 0)
    TWO(a0, a1, b) TWO(a2, a3, c) TWO(a4, a5, d) TWO(a6, a7, e)
    FOUR(b0, c0, f) FOUR(b1, c1, g) FOUR(d0, e0, h) FOUR(d1, e1, i)
    EIGHT(0, 4, f0, h0) EIGHT(1, 5, g0, i0) EIGHT(2, 6, f2, h2) EIGHT(3, 7, g2, i2)
#elif V == 4
    VECTORS_4(READ_COLUMN, 0)
    vd b0 = SHUFFLE(a0, a1, 0, 4, 2, 6), b1 = SHUFFLE(a0, a1, 1, 5, 3, 7), c0 = SHUFFLE(a2, a3, 0, 4, 2, 6), c1 = SHUFFLE(a2, a3, 1, 5, 3, 7);
    WRITE(0, SHUFFLE(b0, c0, 0, 1, 4, 5)) WRITE(1, SHUFFLE(b1, c1, 0, 1, 4, 5)) WRITE(2, SHUFFLE(b0, c0, 2, 3, 6, 7)) WRITE(3, SHUFFLE(b1, c1, 2, 3, 6, 7))
#else
    VECTORS_2(READ_COLUMN, 0)
    WRITE(0, SHUFFLE(a0, a1, 0, 2)) WRITE(1, SHUFFLE(a0, a1, 1, 3))
#endif
}

/* out[u, k] = sum of d[p][u] x[p][k] over the examples and places, x turned around in parts. */
static void gradient_by_rows(double* A, const Instruction* I, int64_t rows) {
    double part[CACHED] __attribute__((aligned(64)));
    for (int64_t k = 0, vectors; k < I->k; k += vectors * V) {
        vectors = vectors_of(I->k - k);
        const int64_t step = vectors * V, most = CACHED / step / V * V;
        for (int64_t p = 0; p < I->m; p++) for (int64_t r = 0; r < rows; r += most) {
            const int64_t count = smallest(most, rows - r);
            for (int64_t t = 0; t < step; t += V) if (k + t < I->k)
                for (int64_t i = 0; i < count; i += V)
                    transpose(part + i * step + t, step, at(A, I->a, p, k + t) + r + i, I->a.column, I->k - k - t - 1);
            Block q = {part, at(A, I->b, p, 0) + r, 0, A, A + I->out.at + k, -0.0, count, step, 1, I->b.column, 0, 0, I->out.place, p + r > 0, I->k - k, AS_IT_IS};
            blocks(&q, I->n, vectors);
        }
    }
}

#if V == 8
#define COLUMNS(X, u) VECTORS_8(X, u)
#else
#define COLUMNS(X, u) VECTORS_4(X, u)
#endif
#define COUNT (V == 8 ? 8 : 4)
#define ZERO(u, j) vd s##u##j = S(-0.0);
#define POINTER(u, j) const double* x##j = x + j * xc;
#define ADD_TERM(u, j) s##u##j = mad(y##u, load(x##j + i), s##u##j);
#define ADD_SOME(u, j) s##u##j = mad(y##u, sel(some, load(x##j + i), S(0)), s##u##j);
#define DELTA(X, u) vd y##u = load(d + u * dc + i);
#define DELTA_SOME(X, u) vd y##u = sel(some, load(d + u * dc + i), S(-0.0));
#define SUM_OF(u, j) to[u * step] = sum(s##u##j);
#if V == 2
#define SUMS_OF(X, u) *(vdu*)(to + u * step) = pair(s##u##0, s##u##1); *(vdu*)(to + u * step + 2) = pair(s##u##2, s##u##3);
#else
#define SUMS_OF(X, u) *(vdu*)(to + u * step) = SUMS(s##u);
#endif
#define ALONE(X, u) X(u, 0)
/* Sums over all examples for some units and columns of x. */
#define OVER_EXAMPLES(units, columns, finish) { \
    UNITS_##units(columns, ZERO) \
    int64_t p = 0; \
    do { \
        const double *d = ds + p * dp + u * dc, *x = xs + p * xp + k * xc; \
        columns(POINTER, 0) \
        int64_t i = 0; \
        for (; i < whole; i += V) { UNITS_##units(DELTA, ) UNITS_##units(columns, ADD_TERM) } \
        if (i < rows) { UNITS_##units(DELTA_SOME, ) UNITS_##units(columns, ADD_SOME) } \
    } while (++p < I->m); \
    double* to = out + u * step + k; \
    finish }

/* The same, for n units and k columns of x; few of them are added up by vectors of examples. */
static void gradient(double* A, const Instruction* I, int64_t rows) {
    if (I->n * I->k * (rows + 48) > (I->k + V - 1) / V * rows * (8 * I->n + 64)) { gradient_by_rows(A, I, rows); return; }
    double* out = A + I->out.at;
    const double *xs = A + I->a.at, *ds = A + I->b.at;
    const int64_t xc = I->a.column, xp = I->a.place, dc = I->b.column, dp = I->b.place, step = I->out.place;
    const int64_t whole = rows / V * V, most = CACHED / (rows * I->m) / COUNT * COUNT, part = most ? most : COUNT;
    const vi some = first(rows - whole);
    for (int64_t begin = 0; begin < I->k; begin += part) {
        int64_t end = begin + part < I->k ? begin + part : I->k, u = 0, k;
        for (; u + 2 <= I->n; u += 2) {
            for (k = begin; k + COUNT <= end; k += COUNT) OVER_EXAMPLES(2, COLUMNS, UNITS_2(SUMS_OF, ))
            for (; k < end; k++) OVER_EXAMPLES(2, ALONE, UNITS_2(ALONE, SUM_OF))
        }
        for (; u < I->n; u++) {
            for (k = begin; k + COUNT <= end; k += COUNT) OVER_EXAMPLES(1, COLUMNS, UNITS_1(SUMS_OF, ))
            for (; k < end; k++) OVER_EXAMPLES(1, ALONE, UNITS_1(ALONE, SUM_OF))
        }
    }
}

/* --- The walk over the instructions ----------------------------------------------------------- */

#define FOR_COLUMNS for (int64_t p = 0; p < I->m; p++) for (int64_t j = 0; j < I->n; j++)
#define FOR_ROWS for (int64_t i = 0; i < full; i += V)
#define OUT(p, j) ((double*)at(A, I->out, p, j))
/* A pointer that goes over a column, or stays at a number that was repeated. */
#define READ(x, o) const double* p##x = at(A, I->o, p, j) + shift * I->o.place; \
    int64_t s##x = V; vd x##0; if (!I->o.row) { x##0 = S(*p##x); p##x = (const double*)&x##0; s##x = 0; }
#define NEXT(x) vd x = load(p##x); p##x += s##x;
#define EACH(code, reads, nexts, e) case code: FOR_COLUMNS { \
    double* out = OUT(p, j) + shift * I->out.place; reads \
    int64_t i = 0; \
    for (; i + V <= full; i += V) { nexts *(vdu*)(out + i) = e; } \
    if (i < full) { nexts put(out + i, e, full - i); } } break;
#define EACH1(code, name, e) EACH(code, READ(x, a), NEXT(x), e)
#define EACH2(code, name, e) EACH(code, READ(x, a) READ(y, b), NEXT(x) NEXT(y), e)
#define EACH3(code, name, e) EACH(code, READ(x, a) READ(y, b) READ(z, c), NEXT(x) NEXT(y) NEXT(z), e)
/* A number from each row of k: what `step` makes of s and the next x. */
#define REDUCE(code, start, step) case code: for (int64_t p = 0; p < I->m; p++) FOR_ROWS { \
    vd s = start; \
    for (int64_t j = 0; j < I->k; j++) { vd x = get(A, I->a, p, j, i); s = step; } \
    put(OUT(p, 0) + i, s, full - i); } break;

/* The sums of V columns of the place p, a lane for each; what lies beyond the last is read again. */
INL vd column_sums(const double* A, Operand o, int64_t p, int64_t j, int64_t count, int64_t rows) {
#define COLUMN(u, h) vd s##h = S(-0.0);
#define ADD_ROWS(u, h) s##h += get(A, o, p, j + (h < count ? h : 0), i);
#define ADD_LAST(u, h) s##h += sel(first(rows - i), get(A, o, p, j + (h < count ? h : 0), i), S(-0.0));
    int64_t i = 0;
    COLUMNS(COLUMN, 0)
    for (; i + V <= rows; i += V) { COLUMNS(ADD_ROWS, 0) }
    if (i < rows) { COLUMNS(ADD_LAST, 0) }
    return SUMS(s);
}

/* One instruction on `n_rows` examples; what has places begins at the place `shift`. */
static void execute(double* A, const Instruction* I, int64_t n_rows, int64_t shift) {
    int64_t rows = I->rows ? I->rows : n_rows, full = I->rows ? rows : (rows + V - 1) / V * V;
    const word* index = (const word*)(A + I->index);
    switch (I->op) {
    UNARY(EACH1) BINARY(EACH2) TERNARY(EACH3)
    REDUCE(ROWSUM, S(0), s + x)
    REDUCE(ROWPROD, S(1), s * x)
    REDUCE(ROWMAX, get(A, I->a, p, 0, i), larger(s, x))
    REDUCE(ROWMIN, get(A, I->a, p, 0, i), smaller(s, x))
    REDUCE(PICK, (vd)SI(0x7ff8000000000000), sel(get(A, I->b, p, 0, i) == S((double)j), x, s))
    case PRODUCT: product(A, I, full); break;
    case GRADIENT: gradient(A, I, rows); break;
    case BATCHED: /* out[p][j] = sum over h < k of a[p][h] b[j][h]; for a and b "place" and "column" */
        FOR_COLUMNS FOR_ROWS {
            vd s = S(0);
            for (int64_t h = 0; h < I->k; h++) s = mad(get(A, I->a, p, h, i), get(A, I->b, j, h, i), s);
            put(OUT(p, j) + i, s, full - i);
        }
        break;
    case TOTAL:
        for (int64_t j = 0; j < I->n; j += V) {
            vd s = S(-0.0);
            for (int64_t p = 0; p < I->m; p++)
                s += I->n - j >= V ? column_sums(A, I->a, p, j, V, rows) : column_sums(A, I->a, p, j, I->n - j, rows);
            put(OUT(0, j), s, I->n - j);
        }
        break;
    case MEAN: A[I->out.at] = (column_sums(A, I->a, 0, 0, 1, rows)[0] + 0.0) / (double)rows; break;
    case OTHERS_SUM: /* total - x where that is a number; else added up */
        for (int64_t p = 0; p < I->m; p++) FOR_ROWS {
            vd total = S(0);
            for (int64_t j = 0; j < I->n; j++) total += get(A, I->a, p, j, i);
            for (int64_t j = 0; j < I->n; j++) {
                vd s = S(0);
                for (int64_t h = 0; h < I->n; h++) if (h != j) s += get(A, I->a, p, h, i);
                put(OUT(p, j) + i, sel(total - total == S(0), total - get(A, I->a, p, j, i), s), full - i);
            }
        }
        break;
    case OTHERS_PRODUCT: /* those before, times those after */
        for (int64_t p = 0; p < I->m; p++) FOR_ROWS {
            vd s = S(1);
            for (int64_t j = 0; j < I->n; j++) {
                put(OUT(p, j) + i, s, full - i);
                s *= get(A, I->a, p, j, i);
            }
            s = S(1);
            for (int64_t j = I->n - 1; j >= 0; j--) {
                put(OUT(p, j) + i, load(OUT(p, j) + i) * s, full - i);
                s *= get(A, I->a, p, j, i);
            }
        }
        break;
    case TAKE: FOR_COLUMNS FOR_ROWS put(OUT(p, j) + i, get(A, I->a, p, index[j], i), full - i); break;
    case SCATTER:
        FOR_COLUMNS { double* out = OUT(p, index[j]); FOR_ROWS put(out + i, load(out + i) + get(A, I->a, p, j, i), full - i); }
        break;
    }
}

/* --- From outside ----------------------------------------------------------------------------- */

/* Runs the table on the examples in the inputs. */
PUBLIC int64_t EXPORT(run)(double* A, const Instruction* table, int64_t count, int64_t rows) {
    for (int64_t k = 0; k < count; k++) execute(A, table + k, rows, 0);
    return count;
}

/* The order of n examples, shuffled anew for each epoch as Python's generator with this state does it. */
PUBLIC int64_t EXPORT(shuffle)(uint32_t* state, int64_t* order, int64_t n, int64_t* orders, int64_t epochs) {
    for (int64_t e = 0; e < epochs; e++) {
        twister_shuffle(state, order, n);
        __builtin_memcpy(orders + e * n, order, (uint64_t)n * sizeof *order);
    }
    return epochs;
}

/* How many parameters are updated at once: what belongs to them stays in the first-level cache. */
#define CHUNK 512
/* A training: how many instructions a step, the numbers of an update, and an update have, which follow
   each other; offsets in the arena; how many parameters, examples, examples of a batch; whether every
   step has other rows than the one before; the first step, counted over all epochs, how many steps, and
   how many updates were made before. `in` and `out` are data and outputs: columns, or a number for all. */
typedef struct {
    int64_t table, numbers, update, B, rate, time, loss, P, G, before, parameters;
    int64_t x, x_size, y, y_size, cap, out, out_row, out_column, units, n, size, gather, first, steps, updates;
} Training;
enum { FINE, LOSS, DERIVATIVE, PARAMETER };

INL int all_finite(const double* x, int64_t n) {
    vi bad = SI(0);
    int64_t i = 0;
    for (; i + V <= n; i += V) { vd v = load(x + i); bad |= v - v != S(0); }
    if (i < n) { vd v = sel(first(n - i), load(x + i), S(0)); bad |= v - v != S(0); }
    int64_t any = 0;
    for (int k = 0; k < V; k++) any |= bad[k];
    return !any;
}

/* The rows of these numbers become columns; what fills the last vector is the last of them again. */
static void gather(double* to, int64_t cap, const double* data, int64_t size, const int64_t* order, int64_t rows) {
    for (int64_t r = 0; r < rows; r += V) {
        const double* row[V];
        for (int k = 0; k < V; k++) row[k] = data + order[r + k < rows ? r + k : rows - 1] * size;
        for (int64_t j = 0; j < size; j++) {
            vd v;
            for (int k = 0; k < V; k++) v[k] = row[k][j];
            *(vdu*)(to + j * cap + r) = v;
        }
    }
}

/* Steps of a descent on the rows of X and Y, in the order of each epoch, with a rate for each step:
   losses and outputs are noted, at their places of all epochs. `made` counts the steps; there are fewer
   where a loss, a gradient or a parameter is not finite: which of them is what is given. */
PUBLIC int64_t EXPORT(train)(double* A, const Instruction* table, const Training* t, const double* X, const double* Y,
                             const int64_t* order, const double* rates, double* losses, double* outputs, int64_t* made) {
    const Instruction *numbers = table + t->table, *update = numbers + t->numbers;
    const int64_t batches = (t->n + t->size - 1) / t->size;
    double *P = A + t->P, *before = A + t->before;
    int64_t why = FINE;
    *made = 0;
    for (int64_t s = t->first; s < t->first + t->steps; s++) {
        const int64_t start = s / batches * t->n + s % batches * t->size;
        const int64_t rows = smallest(t->size, t->n - s % batches * t->size);
        if (t->gather || s == t->first) {
            gather(A + t->x, t->cap, X, t->x_size, order + start, rows);
            gather(A + t->y, t->cap, Y, t->y_size, order + start, rows);
        }
        A[t->B] = (double)rows;
        EXPORT(run)(A, table, t->table, rows);
        losses[s] = A[t->loss];
        if (!all_finite(A + t->loss, 1)) why = LOSS;
        else if (!all_finite(A + t->G, t->parameters)) why = DERIVATIVE;
        if (why) return why;
        if (outputs)
            for (int64_t r = 0; r < rows; r++) for (int64_t k = 0; k < t->units; k++)
                outputs[(start + r) * t->units + k] = A[t->out + r * t->out_row + k * t->out_column];
        A[t->rate] = rates[s - t->first];
        A[t->time] = (double)(t->updates + s - t->first + 1);
        EXPORT(run)(A, numbers, t->numbers, 1);
        for (int64_t c = 0; c * CHUNK < t->parameters; c++) {
            const int64_t count = smallest(CHUNK, t->parameters - c * CHUNK);
            for (int64_t i = c * CHUNK; i < c * CHUNK + count; i += V) *(vdu*)(before + i) = load(P + i);
            for (int64_t k = 0; k < t->update; k++) execute(A, update + k, count, c);
            if (!all_finite(P + c * CHUNK, count)) why = PARAMETER;
        }
        if (why) return why;
        ++*made;
    }
    return FINE;
}
