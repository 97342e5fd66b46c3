/** Bounds that take a crowd, or minutes, to reach. */

import { folder, removeFolders } from '../support';
import { evaluate } from '../support/evaluate';

afterEach(removeFolders);

it('counts the requests of 100,000 callers, and begins anew before memory grows without end', () => {
  const isLetIn = (others: number): unknown =>
    evaluate(
      'RateLimit',
      'admin/http/limits.js',
      `const limit = new RateLimit(1);
       limit.spend('first');
       for (let n = 0; n < ${others}; n += 1) limit.spend('caller ' + n);
       try {
         limit.spend('first');
         return true;
       } catch (error) {
         return error.code;
       }`,
    );
  expect(isLetIn(99_999)).toBe('RATE_LIMITED');
  expect(isLetIn(100_000)).toBe(true);
});

it('lets go of a lock that could not be renewed before anybody else may take it', () => {
  // Heartbeats are 20 seconds apart, and after two minutes a lock may be taken.
  const lostAfter = evaluate(
    'Lock',
    'admin/storage/lock.js',
    `const { mock } = await import('node:test');
     const { setImmediate: turn } = await import('node:timers/promises');
     mock.timers.enable({ apis: ['setInterval', 'Date'] });
     let isDown = false;
     const store = {
       get: async () => undefined,
       put: async () => {
         if (isDown) throw new Error('the storage is down');
         return 'etag';
       },
     };
     const lock = await Lock.take(store, { jobId: 'job', kind: 'backup' }, () => false);
     const beat = async () => {
       mock.timers.tick(20_000);
       await turn();
     };
     for (let n = 0; n < 10; n += 1) await beat();
     isDown = true;
     let seconds = 0;
     for (; !lock.lost.aborted && seconds < 600; seconds += 20) await beat();
     return seconds;`,
  );
  expect(lostAfter).toBe(100);
});

it('remembers a nonce by its own clock, over a restart, where that of the disk is behind', () => {
  const script = `
    const { default: fs } = await import('node:fs/promises');
    const { syncBuiltinESMExports } = await import('node:module');
    const { open } = fs;
    fs.open = async (path, ...rest) => {
      const file = await open(path, ...rest);
      const behind = new Date(Date.now() - 130_000);
      await file.utimes(behind, behind);
      return file;
    };
    syncBuiltinESMExports();
    const spend = () => new Nonces(${JSON.stringify(folder())}, 120_000).spend('nonce');
    return [await spend(), await spend()];`;
  expect(evaluate('Nonces', 'admin/auth/nonces.js', script)).toEqual([true, false]);
});
