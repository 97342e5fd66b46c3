/** Bounds that take a crowd, or minutes, to reach. */

import { join } from 'node:path';

import { folder, removeFolders } from '../support';
import { forwarded, forwardSecret } from '../support/admin/callers';
import { people } from '../support/admin/people';
import { emptyService, evaluate } from '../support/evaluate';

afterEach(removeFolders);

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

it('counts by a clock that nobody sets: one that is put back an hour holds up nobody for an hour', () => {
  const retryAfter = evaluate(
    'RateLimit',
    'admin/http/limits.js',
    `const { mock } = await import('node:test');
     const hourMs = 3_600_000;
     mock.timers.enable({ apis: ['Date'], now: 2 * hourMs });
     const limit = new RateLimit(0);
     mock.timers.setTime(hourMs);
     try {
       limit.spend('caller', () => undefined);
     } catch (error) {
       return Number(error.headers['retry-after']);
     }`,
  );
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(60);
});

/** From here on the clock stands still. */
const stoodClock = `
  const { mock } = await import('node:test');
  mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });`;

it('takes a signature of the last minute, and one of a clock that is a minute ahead', () => {
  const request = { method: 'GET', target: '/api/admin/jobs' };
  const requests = [-60_001, -60_000, 60_000, 60_001].map((ms) => {
    const timestamp = String(1_800_000_000_000 + ms);
    return { ...request, headers: forwarded(request, people.roleAdmin, { timestamp }) };
  });
  const script = `${stoodClock}
    const door = new Forwarded({ secret: '${forwardSecret}' }, { spend: async () => true });
    const body = new Uint8Array();
    return Promise.all(${JSON.stringify(requests)}.map((request) =>
      door.verify({ ...request, headers: new Headers(request.headers), body }).then(() => true, () => false),
    ));`;
  expect(evaluate('Forwarded', 'admin/auth/forwarded.js', script)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

it('remembers a nonce until no window reaches it, also where times are kept in steps', () => {
  const isLetInAgain = (seconds: number): unknown =>
    evaluate(
      'Nonces',
      'admin/auth/nonces.js',
      `${stoodClock}
       const { readdirSync, utimesSync } = await import('node:fs');
       const path = ${JSON.stringify(folder())};
       await new Nonces(path, 120_000).spend('a nonce');
       // FAT rounds down by up to two seconds.
       const at = Date.now() / 1000 - ${seconds};
       for (const name of readdirSync(path)) utimesSync(path + '/' + name, at, at);
       return new Nonces(path, 120_000).spend('a nonce');`,
    );
  expect(isLetInAgain(122)).toBe(false);
  expect(isLetInAgain(122.1)).toBe(true);
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

it('takes a job although the record of an old one cannot be removed, or all are gone', () => {
  const script = `
    const { mkdirSync, readdirSync, rmSync } = await import('node:fs');
    const { join } = await import('node:path');
    const state = ${JSON.stringify(folder())};
    const records = new JobRecords(state);
    const job = (n) => ({
      id: String(n).padStart(36, '0'), created_at: String(1000 + n), started_at: String(1000 + n),
      state: 'succeeded', kept: null, instance: {},
    });
    for (let n = 0; n < 100; n += 1) records.save(job(n));
    // Windows and a failing disk refuse to remove a file; nobody removes a folder as one.
    const oldest = join(state, 'jobs', job(0).id + '.json');
    rmSync(oldest);
    mkdirSync(oldest);
    records.save(job(100));
    const told = records.all().length;
    rmSync(state, { recursive: true });
    records.save(job(101));
    return [told, records.all()[0].id === job(101).id];`;
  expect(evaluate('JobRecords', 'admin/jobs/records.js', script)).toEqual([100, true]);
});

it('puts jobs in order that an older service wrote down without the time of their start', () => {
  const script = `
    const { writeFileSync } = await import('node:fs');
    const state = ${JSON.stringify(folder())};
    const fresh = () => new JobRecords(state);
    fresh();
    for (const n of [2, 4, 1, 3]) {
      const job = {
        id: String(n).padStart(36, '0'), kind: 'backup', created_at: '2026-01-0' + n, state: 'failed', kept: null,
        instance: { id: '', place: '', pid: 1, started: null }, lock: null, finished_at: null, error: null,
      };
      writeFileSync(state + '/jobs/' + job.id + '.json', JSON.stringify(job));
    }
    return fresh().all().map(({ started_at }) => started_at);`;
  expect(evaluate('JobRecords', 'admin/jobs/records.js', script)).toEqual(
    [4, 3, 2, 1].map((n) => `2026-01-0${n}`),
  );
});

it('removes a dump that was replaced a day ago, and nothing that anybody is led to, although nothing new is published', () => {
  const base = folder();
  const script = `
    const { mock } = await import('node:test');
    const { mkdirSync, readFileSync, readdirSync, writeFileSync } = await import('node:fs');
    const { setTimeout: sleep } = await import('node:timers/promises');
    mock.timers.enable({ apis: ['setInterval'] });
    const dumps = ${JSON.stringify(join(base, 'public', 'public-data-dumps/'))};
    const now = Date.now();
    const ids = [2, 3, 4].flatMap((days) => {
      const day = new Date(now - days * 86_400_000).toISOString().slice(0, 10);
      const filename = 'datadump-' + day + '.zip';
      return ['T000001Z', 'T000000Z'].map((time) => {
        const id = day.replaceAll('-', '') + time;
        mkdirSync(dumps + id, { recursive: true });
        writeFileSync(dumps + id + '/' + filename, 'PK');
        const counts = { total_artworks: 1, total_creators: 1, total_tags: 1, total_photos: 1 };
        writeFileSync(dumps + id + '/' + filename + '.json', JSON.stringify({
          id, filename, size: 2, sha256: '0'.repeat(64), generated_at: day + 'T00:00:00Z', complete: true,
          metadata: counts, warnings: [], download_url: 'http://localhost/',
        }));
        return id;
      });
    });
    // Somebody else keeps more, and a publish has ended before anything pointed to its dump.
    const pointed = [ids[0], ids[2], ids[5]].map((id) => ({ id }));
    writeFileSync(dumps + 'index.json', JSON.stringify({ dumps: pointed }));
    ${emptyService(base, 'keep: 1')}
    const told = async () => {
      const { data } = await ask('GET', 'data-dumps');
      return [data.dumps.map(({ id }) => ids.indexOf(id)), data.replaced.map(({ id }) => ids.indexOf(id))];
    };
    const before = await told();
    mock.timers.tick(3_600_000);
    const isOver = () => {
      const lock = readdirSync(dumps).includes('.lock.json') && readFileSync(dumps + '.lock.json', 'utf8');
      return lock && JSON.parse(lock).job_id === null;
    };
    while (!isOver()) await sleep(20);
    const left = readdirSync(dumps).map((name) => ids.indexOf(name)).filter((n) => n >= 0);
    return [before, await told(), left.sort()];`;
  expect(evaluate('createAdminApp', 'admin/index.js', script)).toEqual([
    [
      [0, 2, 4],
      [1, 3, 5],
    ],
    [[0, 2, 4], [5]],
    [0, 2, 4, 5],
  ]);
});

it('is no defect that somebody else is at it when what is old is due', () => {
  const script = `
    const told = [];
    for (const code of ['JOB_RUNNING', 'SHUTTING_DOWN', 'STORAGE_UNAVAILABLE']) {
      const alone = async () => { throw Object.assign(new Error(code), { code }); };
      const tidied = tidy({ isBusy: false, alone }, { hasOld: async () => true });
      told.push(await tidied.then(() => null, (error) => error.code));
    }
    return told;`;
  expect(evaluate('tidy', 'admin/tidying.js', script)).toEqual([null, null, 'STORAGE_UNAVAILABLE']);
});

it('gives up of an older dump what nothing ever showed, and leaves one that is in the list', () => {
  const script = `
    const removed = [];
    for (const sidecar of [undefined, {}]) {
      const store = { get: async () => sidecar, remove: async (key) => removed.push(key) };
      await new Catalogue(store, 'http://localhost', 1).forget({ generated_at: '2026-05-01T00:00:00Z' });
    }
    return removed;`;
  expect(evaluate('Catalogue', 'admin/storage/catalogue.js', script)).toEqual([
    'public-data-dumps/20260501T000000Z/datadump-2026-05-01.zip',
  ]);
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

it('asks Cloudflare once a minute what columns there are, and each time who is an admin', () => {
  const script = `
    const asked = [];
    let role = 'admin';
    globalThis.fetch = async (_, { body }) => {
      const { sql } = JSON.parse(body);
      asked.push(sql.startsWith('PRAGMA') ? 'columns' : 'rows');
      const rows = sql.startsWith('PRAGMA') ? [{ name: 'user_token' }] : [{ role, is_active: 1 }];
      return Response.json({ success: true, result: [{ success: true, results: rows }] });
    };
    const rows = new PlatformRows({ d1: { accountId: 'a', databaseId: 'd', apiToken: 't' } });
    const first = await rows.isAdmin('user', 'subject');
    const before = asked.splice(0).length;
    role = 'banned';
    return [first, before, await rows.isAdmin('user', 'subject'), asked];`;
  expect(evaluate('PlatformRows', 'admin/auth/rows.js', script)).toEqual([
    true,
    3,
    false,
    ['rows'],
  ]);
});
