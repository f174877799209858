/* A step of the seed's model by hand: 8 features, 3 hidden dimensions, batch 32, Adam, one model on one core.

   The same walk from one active entry to the next as in training/numba/loops.py: geometric gaps from the
   words of SplitMix64, empty rows never made. Without Python, bounds or reference counts:
   what a step costs in the language in which one would write it by hand.

       cc -O3 -march=native -ffast-math -o one_model one_model.c -lm && ./one_model 0.05 10000000

   prints nanoseconds of processor time a step and the mean batch loss of the second half. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N 8
#define M 3
#define BATCH 32

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float w[M][N], first[M][N], second[M][N];

static float step(uint64_t key, int t, float log_inactive, float scale, float root) {
    float dw[M][N] = {{0}}, x[N] = {0}, total = 0;
    const float twice = 2.0f / (BATCH * N);
    uint64_t word = key;
    int at = -1, row = -1, used[N], n_used = 0;
    (void)t;
    for (;;) {
        word += 0x9E3779B97F4A7C15u;
        uint64_t drawn = mix(word);
        float u = ((float)(drawn >> 40) + 0.5f) * 0x1p-24f;
        float gap = logf(u) / log_inactive;
        at += 1 + (gap < 1e6f ? (int)gap : 1000000);
        int r = at < BATCH * N ? at / N : BATCH;
        if (r != row && n_used) { /* the row before is whole */
            float h[M] = {0}, g[N], d[M] = {0};
            for (int e = 0; e < n_used; e++)
                for (int k = 0; k < M; k++) h[k] += x[used[e]] * w[k][used[e]];
            for (int j = 0; j < N; j++) {
                float out = h[0] * w[0][j] + h[1] * w[1][j] + h[2] * w[2][j];
                float error = (out > 0 ? out : 0) - x[j];
                total += error * error;
                g[j] = out > 0 ? twice * error : 0;
            }
            for (int k = 0; k < M; k++)
                for (int j = 0; j < N; j++) d[k] += g[j] * w[k][j];
            for (int k = 0; k < M; k++)
                for (int j = 0; j < N; j++) dw[k][j] += h[k] * g[j] + d[k] * x[j];
            for (int e = 0; e < n_used; e++) x[used[e]] = 0;
            n_used = 0;
        }
        if (r == BATCH) break;
        row = r;
        used[n_used++] = at - r * N;
        x[at - r * N] = (float)(drawn & 0x7FFFFF) * 0x1p-23f + 0x1p-24f;
    }
    for (int k = 0; k < M; k++)
        for (int j = 0; j < N; j++) {
            first[k][j] += 0.1f * (dw[k][j] - first[k][j]);
            second[k][j] = 0.999f * second[k][j] + 0.001f * dw[k][j] * dw[k][j];
            w[k][j] -= scale * first[k][j] / (sqrtf(second[k][j]) / root + 1e-8f);
        }
    return total / (BATCH * N);
}

int main(int argc, char **argv) {
    double density = argc > 1 ? atof(argv[1]) : 0.05;
    long steps = argc > 2 ? atol(argv[2]) : 10000000;
    for (int k = 0; k < M; k++)
        for (int j = 0; j < N; j++) w[k][j] = (float)((double)mix(k * N + j + 1) / 0x1p63 - 1);
    double beta1 = 1, beta2 = 1, sum = 0;
    clock_t began = clock();
    for (long t = 0; t < steps; t++) {
        beta1 *= 0.9, beta2 *= 0.999;
        float loss = step(mix(42 + (t + 1) * 0x9E3779B97F4A7C15u), t, (float)log1p(-density),
                          (float)(0.01 / (1 - beta1)), (float)sqrt(1 - beta2));
        if (t >= steps / 2) sum += loss;
    }
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("%.1f %.6f\n", 1e9 * seconds / steps, sum / (steps - steps / 2));
    return 0;
}
