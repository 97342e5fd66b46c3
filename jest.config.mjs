import { availableParallelism } from 'node:os';
import process from 'node:process';

// CAB_TEST_FULL=1 (`npm run test:full`) makes the slow cases larger; they need more time than a unit test.
const full = process.env.CAB_TEST_FULL === '1';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/__test__'],
  testMatch: ['**/*.spec.ts'],
  testSequencer: '<rootDir>/__test__/sequencer.mjs',
  transform: { '\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/__test__/tsconfig.json' }] },
  // Most specs wait for servers and processes half of their time. The large cases are measured, one at a time.
  maxWorkers: full ? 1 : Math.max(3, availableParallelism() - 1),
  testTimeout: full ? 600_000 : 120_000,
};
