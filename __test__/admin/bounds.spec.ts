/** Bounds that take a crowd, or minutes, to reach. */

import { folder, removeFolders } from '../support';
import { evaluate } from '../support/evaluate';

afterAll(removeFolders);

it('counts the requests of 100,000 callers, and begins anew before memory grows without end', () => {
  const isLetIn = (others: number): unknown =>
    evaluate(
      'RateLimit',
      'admin/http/limits.js',
      `const limit = new RateLimit(1);
       const tell = () => undefined;
       limit.spend('first', tell);
       for (let n = 0; n < ${others}; n += 1) limit.spend('caller ' + n, tell);
       try {
         limit.spend('first', tell);
         return true;
       } catch (error) {
         return error.code;
       }`,
    );
  expect(isLetIn(99_999)).toBe('RATE_LIMITED');
  expect(isLetIn(100_000)).toBe(true);
});

it('remembers a nonce until no window reaches it, also where times are kept in steps', () => {
  const isLetInAgain = (seconds: number): unknown =>
    evaluate(
      'Nonces',
      'admin/auth/nonces.js',
      `const { readdirSync, utimesSync } = await import('node:fs');
       const path = ${JSON.stringify(folder())};
       await new Nonces(path, 120_000).spend('a nonce');
       // FAT rounds down by up to two seconds.
       const at = Date.now() / 1000 - ${seconds};
       for (const name of readdirSync(path)) utimesSync(path + '/' + name, at, at);
       return new Nonces(path, 120_000).spend('a nonce');`,
    );
  expect(isLetInAgain(121.5)).toBe(false);
  expect(isLetInAgain(123)).toBe(true);
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
