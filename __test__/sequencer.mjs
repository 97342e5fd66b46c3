// Jest begins with the largest files until it knows how long each takes, which on a fresh checkout it does not. Specs
// that are short and wait for long begin before the others, so that no worker is left alone with one at the end.

import path from 'node:path';

import TestSequencer from '@jest/test-sequencer';

/** The longest first; a minute and more each on a slow machine. */
const longest = [
  'd1.spec.ts',
  'e2e/following.spec.ts',
  'kill.spec.ts',
  'restore-s3-trouble.spec.ts',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const place = (test) =>
      longest.findIndex((spec) => test.path.endsWith(path.join('__test__', spec)));
    const isLong = (test) => place(test) >= 0;
    const sorted = super.sort(tests);
    const first = sorted.filter(isLong).sort((a, b) => place(a) - place(b));
    return [...first, ...sorted.filter((test) => !isLong(test))];
  }
}
