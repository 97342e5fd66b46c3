/** Numbers that a printed seed brings back: `CAB_TEST_SEED` sets it. */

/** Whether slow cases are larger, as in `npm run test:full`. */
export const full = process.env['CAB_TEST_FULL'] === '1';
export const seed = Number(process.env['CAB_TEST_SEED'] ?? 20_260_730);

/** Mulberry32: numbers from 0 to 1. */
export function random(start = seed): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
