"""The ternary product in C: a portable loop, AVX2 and AVX-512 VNNI, one file for every processor.

A trit's code is trit + 1, so a product is the sum of code x, less the sum of x: unsigned codes times signed
activations is what the vector instructions multiply.
"""

LEVELS = ("portable", "avx2", "avx512-vnni")

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Adds the sums of code x to out, which holds -(sum of x). Byte j of a row of w holds the codes of columns
   4j .. 4j+3; x holds four planes a token, plane i with columns 4j+i at j, zeros up to its pitch. */
typedef void Product(const uint8_t *w, long rows, long bytes, const int8_t *x, long pitch, long tokens,
                     int32_t *out);

static void product_portable(const uint8_t *w, long rows, long bytes, const int8_t *x, long pitch,
                             long tokens, int32_t *out) {
    for (long t = 0; t < tokens; t++)
        for (long m = 0; m < rows; m++) {
            const uint8_t *row = w + m * bytes;
            const int8_t *plane = x + 4 * pitch * t;
            int32_t sum = 0;
            for (long j = 0; j < bytes; j++)
                sum += (row[j] & 3) * plane[j] + (row[j] >> 2 & 3) * plane[j + pitch] +
                       (row[j] >> 4 & 3) * plane[j + 2 * pitch] + (row[j] >> 6) * plane[j + 3 * pitch];
            out[t * rows + m] += sum;
        }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define INLINE(ISA) static inline __attribute__((always_inline, target(ISA)))

/* R rows by T tokens, both constants where the tile is inlined, so that the sums stay in registers.
   Rows that end within a vector are read by TAIL, which reads no byte beyond them. The prefetch helps where
   weights come from memory; one beyond the last row does nothing. */
#define TILES(NAME, ISA, V, WIDTH, LOAD, TAIL, ZERO, AND, SHIFT, SET1, DOT, TOTAL)                          \
    INLINE(ISA) void tile_##NAME(const int R, const int T, const uint8_t *w, long rows, long bytes,         \
                                 const int8_t *x, long pitch, int32_t *out) {                               \
        const V low = SET1(3);                                                                              \
        V sum[4][4], packed[4];                                                                             \
        for (int t = 0; t < T; t++)                                                                         \
            for (int r = 0; r < R; r++) sum[t][r] = ZERO();                                                 \
        for (long j = 0; j < bytes; j += WIDTH) {                                                           \
            for (int r = 0; r < R; r++) {                                                                   \
                const uint8_t *from = w + r * bytes + j;                                                    \
                __builtin_prefetch(from + 4096);                                                            \
                packed[r] = bytes - j < WIDTH ? TAIL(from, bytes - j) : LOAD(from);                         \
            }                                                                                               \
            for (int i = 0; i < 4; i++)                                                                     \
                for (int t = 0; t < T; t++) {                                                               \
                    const V plane = LOAD(x + (4 * t + i) * pitch + j);                                      \
                    for (int r = 0; r < R; r++)                                                             \
                        sum[t][r] = DOT(sum[t][r], AND(SHIFT(packed[r], 2 * i), low), plane);               \
                }                                                                                           \
        }                                                                                                   \
        for (int t = 0; t < T; t++)                                                                         \
            for (int r = 0; r < R; r++) out[t * rows + r] += TOTAL(sum[t][r]);                              \
    }                                                                                                       \
    __attribute__((target(ISA))) static void product_##NAME(const uint8_t *w, long rows, long bytes,        \
                                                            const int8_t *x, long pitch, long tokens,       \
                                                            int32_t *out) {                                 \
        long m = 0, t;                                                                                      \
        for (; m + 4 <= rows; m += 4) {                                                                     \
            for (t = 0; t + 4 <= tokens; t += 4)                                                            \
                tile_##NAME(4, 4, w + m * bytes, rows, bytes, x + 4 * pitch * t, pitch, out + t * rows + m);\
            for (; t < tokens; t++)                                                                         \
                tile_##NAME(4, 1, w + m * bytes, rows, bytes, x + 4 * pitch * t, pitch, out + t * rows + m);\
        }                                                                                                   \
        for (; m < rows; m++)                                                                               \
            for (t = 0; t < tokens; t++)                                                                    \
                tile_##NAME(1, 1, w + m * bytes, rows, bytes, x + 4 * pitch * t, pitch, out + t * rows + m);\
    }

#define AVX2 "avx2"
#define LOAD256(p) _mm256_loadu_si256((const __m256i *)(p))
INLINE(AVX2) __m256i tail256(const uint8_t *p, long n) {
    uint8_t whole[32] = {0};
    memcpy(whole, p, n);
    return LOAD256(whole);
}
INLINE(AVX2) __m256i dot256(__m256i sum, __m256i codes, __m256i x) { /* |2 (3 * 128)| fits 16 bits */
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, x), _mm256_set1_epi16(1)));
}
INLINE(AVX2) int32_t total256(__m256i v) {
    int32_t lanes[8], total = 0;
    _mm256_storeu_si256((__m256i *)lanes, v);
    for (int i = 0; i < 8; i++) total += lanes[i];
    return total;
}
TILES(avx2, AVX2, __m256i, 32, LOAD256, tail256, _mm256_setzero_si256, _mm256_and_si256, _mm256_srli_epi16,
      _mm256_set1_epi8, dot256, total256)

#define VNNI "avx512f,avx512bw,avx512vnni"
#define LOAD512(p) _mm512_loadu_si512((const void *)(p))
#define TAIL512(p, n) _mm512_maskz_loadu_epi8(((__mmask64)1 << (n)) - 1, p)
TILES(vnni, VNNI, __m512i, 64, LOAD512, TAIL512, _mm512_setzero_si512, _mm512_and_si512, _mm512_srli_epi16,
      _mm512_set1_epi8, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32)
#endif

static Product *product_of(int level) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (level == 2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
        return product_vnni;
    if (level == 1 && __builtin_cpu_supports("avx2")) return product_avx2;
#endif
    return level == 0 ? product_portable : 0;
}

int ternary_has(int level) { return product_of(level) != 0; }

enum { BLOCK = 16 }; /* tokens whose planes stay in the cache while the weights pass by */

/* 0, or 1 where memory or the level is missing. */
int ternary_product(int level, const int8_t *x, long tokens, long width, const uint8_t *w, long rows,
                    int32_t *out) {
    Product *product = product_of(level);
    const long bytes = (width + 3) / 4, pitch = (bytes + 63) / 64 * 64;
    int8_t *planes = product ? calloc(BLOCK * 4, pitch + 1) : 0;
    if (!planes) return 1;
    for (long first = 0; first < tokens; first += BLOCK) {
        const long count = tokens - first < BLOCK ? tokens - first : BLOCK;
        for (long t = 0; t < count; t++) {
            const int8_t *from = x + (first + t) * width;
            int8_t *plane = planes + 4 * pitch * t;
            int32_t sum = 0;
            for (long k = 0; k < width; k++) {
                plane[(k & 3) * pitch + (k >> 2)] = from[k];
                sum += from[k];
            }
            for (long m = 0; m < rows; m++) out[(first + t) * rows + m] = -sum;
        }
        product(w, rows, bytes, planes, pitch, count, out + first * rows);
    }
    free(planes);
    return 0;
}

/* One token's codes by its largest magnitude; returns their scale. Float bits without sign are in order of
   magnitude, NaN last, and adding 1.5 * 2^23 rounds half to even: loops that every compiler vectorises. */
static float quantize(const float *x, long width, int8_t *codes) {
    const float magic = 12582912.0f;
    uint32_t most = 0, bits;
    float largest;
    for (long k = 0; k < width; k++) {
        memcpy(&bits, x + k, 4);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    memcpy(&largest, &most, 4);
    largest = largest < 1e-5f ? 1e-5f : largest;
    const float by = 1.0f / largest * 127.0f;
    for (long k = 0; k < width; k++) {
        const float rounded = x[k] * by + magic;
        memcpy(&bits, &rounded, 4);
        codes[k] = (int8_t)bits; /* the low byte of the mantissa: magic's is zero */
    }
    return largest * (float)(1.0 / 127);
}

/* Quantizes, multiplies and rescales, rounding each float operation as the layer in torch does. */
int ternary_linear(int level, const float *x, long tokens, long width, const uint8_t *w, long rows,
                   const float *scale, long scales, float *y) {
    int8_t *codes = malloc(BLOCK * width + 1);
    int32_t *sums = malloc(BLOCK * rows * sizeof *sums + 1);
    int failed = !codes || !sums;
    for (long first = 0; first < tokens && !failed; first += BLOCK) {
        const long count = tokens - first < BLOCK ? tokens - first : BLOCK;
        float by[BLOCK];
        for (long t = 0; t < count; t++) by[t] = quantize(x + (first + t) * width, width, codes + t * width);
        failed = ternary_product(level, codes, count, width, w, rows, sums);
        for (long t = 0; t < count; t++)
            for (long m = 0; m < rows; m++)
                y[(first + t) * rows + m] = (float)sums[t * rows + m] * (by[t] * scale[scales == 1 ? 0 : m]);
    }
    free(codes);
    free(sums);
    return failed;
}
"""
