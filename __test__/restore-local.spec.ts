/** restoreBackup into what `wrangler dev` keeps on this machine: judged by workerd. */

import { createHash } from 'node:crypto';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';

import { createBackup, restoreBackup } from '../index.js';
import { folder, listing, removeFolders, run } from './support';
import { backup, contents, index, now } from './support/backups';
import { project, state } from './support/projects';
import { sqlite } from './support/tools';

afterEach(removeFolders);

describe("a backup that is restored into wrangler's local state", () => {
  const databaseId = '3f1c9a52-7b64-4c0e-9d2a-5e8f00112233';
  const bucket = 'photos-bucket';

  it('is what workerd reads, and the same backup again', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const stateDir = join(dir, 'state', 'v3');
    const wrangler = { databaseId, bucket, stateDir };
    const report = await restoreBackup(archive, { wrangler });
    expect(report).toMatchObject({ integrityCheck: 'ok', skipped: 0, restoredEverything: true });
    expect(report.photos).toBe(index(archive).length);

    const again = await createBackup({
      database: { wrangler: { databaseId, stateDir } },
      photos: { wrangler: { bucket, stateDir } },
      outputDir: join(dir, 'again'),
      now,
    });
    expect(contents(again.path)).toEqual(contents(archive));

    // A Worker of the same configuration sees rows and photos.
    const miniflare = new Miniflare({
      modules: true,
      compatibilityDate: '2026-01-01',
      d1Databases: { DB: databaseId },
      r2Buckets: { PHOTOS: bucket },
      d1Persist: join(stateDir, 'd1'),
      r2Persist: join(stateDir, 'r2'),
      script: `export default { async fetch(request, env) {
        const { results } = await env.DB.prepare('SELECT count(*) AS n FROM artwork').all();
        const { objects } = await env.PHOTOS.list();
        const first = await env.PHOTOS.get(objects[0].key);
        return Response.json({ works: results[0].n, keys: objects.map((o) => o.key),
          body: await first.text(), etag: first.etag });
      } }`,
    });
    try {
      const answer = await miniflare.dispatchFetch('http://localhost/');
      const keys = index(archive)
        .map(({ key }) => key)
        .sort();
      expect(await answer.json()).toEqual({
        works: 5,
        keys,
        body: `photo ${keys[0]}`,
        etag: createHash('md5').update(`photo ${keys[0]}`).digest('hex'),
      });
    } finally {
      await miniflare.dispose();
    }
  });

  it('is said to hold what D1 does not take', async () => {
    const dir = folder();
    const file = join(dir, 'wide.sqlite');
    const columns = Array.from({ length: 101 }, (_, at) => `c${at}`);
    sqlite(
      file,
      `CREATE TABLE wide(${columns.join()}); CREATE TABLE t(a); CREATE VIRTUAL TABLE r USING rtree(i, a, b);`,
    );
    const { path } = await createBackup({ database: { file }, outputDir: dir, now });
    const stateDir = join(dir, 'state', 'v3');
    const report = await restoreBackup(path, { wrangler: { databaseId, stateDir } });
    expect(report.warnings).toEqual([
      {
        code: 'IN_EXTRA',
        message: expect.stringContaining('table wide and 1 other: a Worker may fail') as string,
      },
    ]);
    const beside = await restoreBackup(path, { database: join(dir, 'beside.sqlite') });
    expect(beside.warnings).toEqual([]);
  });

  it('skips what is there already, and refuses what is something else before anything is written', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const stateDir = join(dir, 'state');
    const wrangler = { bucket, stateDir };
    const total = index(archive).length;
    expect(await restoreBackup(archive, { wrangler, keys: ['originals/**'] })).toMatchObject({
      restoredEverything: false,
    });
    const resumed = await restoreBackup(archive, { wrangler });
    expect(resumed.photos).toBeGreaterThan(0);
    expect(resumed.photos + resumed.skipped).toBe(total);

    const [body = ''] = listing(join(stateDir, 'r2', bucket, 'blobs'));
    const path = join(stateDir, 'r2', bucket, 'blobs', body);
    writeFileSync(path, Buffer.alloc(statSync(path).size, 'x'));
    await expect(
      restoreBackup(archive, { wrangler: { ...wrangler, databaseId } }),
    ).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(listing(stateDir).filter((name) => name.startsWith('d1'))).toEqual([]);
  });

  it('begins anew where another was broken off before the bucket had its tables', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const stateDir = join(dir, 'state');
    const wrangler = { bucket, stateDir };
    const { photos } = await restoreBackup(archive, { wrangler });
    const [rows = ''] = listing(stateDir).filter((name) => name.endsWith('.sqlite'));
    writeFileSync(join(stateDir, rows), '');
    expect(await restoreBackup(archive, { wrangler })).toMatchObject({ photos, skipped: 0 });
    expect(await restoreBackup(archive, { wrangler })).toMatchObject({ photos: 0 });

    writeFileSync(join(stateDir, rows), '');
    sqlite(join(stateDir, rows), 'CREATE TABLE of_something_else(a)');
    await expect(restoreBackup(archive, { wrangler })).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
    });
  });

  it('refuses a database that is there, and options that name nothing', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const stateDir = join(dir, 'state');
    await restoreBackup(archive, { wrangler: { databaseId, stateDir } });
    await expect(
      restoreBackup(archive, { wrangler: { databaseId, stateDir } }),
    ).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    const d1 = join('d1', 'miniflare-D1DatabaseObject');
    const [name = ''] = listing(join(stateDir, d1));
    const [elsewhere, link] = [join(dir, 'elsewhere'), join(dir, 'link')];
    mkdirSync(join(elsewhere, d1), { recursive: true });
    symlinkSync(elsewhere, link);
    for (const database of [join(elsewhere, d1, name), join(link, d1, name)]) {
      const twice = { database, wrangler: { databaseId, stateDir: elsewhere } };
      await expect(restoreBackup(archive, twice)).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining('wrangler.databaseId') as string,
      });
    }
    expect(listing(elsewhere).filter((path) => path.endsWith('.sqlite'))).toEqual([]);
    await expect(restoreBackup(archive, { wrangler: { stateDir } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
    const command = ['restore', archive, '--bucket', bucket, '--state-dir', stateDir];
    const { code, stderr, stdout } = await run(command, { cwd: dir });
    expect([code, stderr + stdout]).toEqual([
      0,
      expect.stringContaining(`local bucket ${bucket} in ${stateDir}: `),
    ]);
  });

  it('is where `backup --local` of the same folder reads', async () => {
    const cwd = project({
      'package.json': '{ "workspaces": ["src/workers"] }',
      'src/workers/wrangler.toml':
        `[[d1_databases]]\nbinding = "DB"\ndatabase_id = "${databaseId}"\n` +
        `[[r2_buckets]]\nbinding = "PHOTOS"\nbucket_name = "${bucket}"\n`,
      [`src/workers/${state}`]: '',
    });
    const archive = await backup(folder());
    const target = ['--database-id', databaseId, '--bucket', bucket];
    const restored = await run(['restore', archive, ...target], { cwd });
    const place = join('src', 'workers', '.wrangler', 'state', 'v3');
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(restored.stdout).toContain(`local D1 ${databaseId} in ${join(cwd, place)}: `);
    const again = await run(['backup', '--local', '--quiet'], { cwd });
    expect(contents(again.stdout.trimEnd())).toEqual(contents(archive));
  });
});
