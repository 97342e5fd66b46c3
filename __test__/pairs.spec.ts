/** One archive of public art behind every pair of sources, and from each of them back into every pair of targets. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, createBackup, restoreBackup, type RestoreOptions } from '../index.js';
import { folder, removeFolders } from './support';
import { account, D1Double, databaseId, token as d1Token } from './support/d1';
import { approved, newer, others, photos as photosIn } from './support/platform';
import { account as r2Account, bucket, R2Double, token as r2Token } from './support/r2';
import { entry } from './support/tools';

const now = '2026-01-02T03:04:05Z';
const kept = [...approved.originals, ...approved.variants];

type Rows = BackupOptions['database'];
type Photos = NonNullable<BackupOptions['photos']>;

let store: R2Double;
let aim: R2Double;
let cloud: D1Double;
let script: string;
const rows = new Map<string, Rows>();
const photos = new Map<string, Photos>();

beforeAll(async () => {
  const base = folder();
  const directory = photosIn(base);
  store = await new R2Double(join(base, 'store')).listen();
  aim = await new R2Double(join(base, 'aim')).listen();
  for (const key of [...kept, ...others]) {
    await store.put(key, readFileSync(join(directory, key)));
  }
  const { publicUrl, state, apiUrl } = store;
  photos.set('directory', { directory });
  photos.set('wrangler', { wrangler: { bucket, stateDir: state } });
  photos.set('s3', { s3: store.s3 });
  photos.set('r2', { r2: { accountId: r2Account, bucket, apiToken: r2Token, apiUrl } });
  photos.set('publicUrl', { publicUrl });

  const file = newer(base);
  script = entry(
    (await createBackup({ database: { file }, outputDir: base, now })).path,
    'database.sql',
  );
  const sql = join(base, 'archive.sql');
  writeFileSync(sql, script);
  const remote = join(base, 'remote.sqlite');
  copyFileSync(file, remote);
  cloud = await new D1Double(remote).listen();
  const d1 = { accountId: account, databaseId, apiToken: d1Token, apiUrl: cloud.apiUrl };
  const stateDir = join(base, 'local');
  local(stateDir, script);
  rows.set('file', { file });
  rows.set('sql', { sql });
  rows.set('wrangler', { wrangler: { databaseId, stateDir } });
  rows.set('d1', { d1 });
}, 60_000);

afterAll(async () => {
  await Promise.all([store.close(), aim.close(), cloud.close()]);
  removeFolders();
});

/** A D1 of wrangler's, which workerd itself makes. */
function local(state: string, sql: string): void {
  const request = JSON.stringify({ state, database: databaseId, bucket: 'none', sql });
  const made = spawnSync(process.execPath, [join(__dirname, 'support', 'state.mjs'), request], {
    input: '',
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
}

async function backup(database: Rows, from: Photos): Promise<string> {
  const made = await createBackup({ database, photos: from, outputDir: folder(), now });
  expect(made.metadata.photos.missing).toEqual([]);
  return made.path;
}

interface Entry {
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
}

function held(path: string): { sql: string; photos: unknown[] } {
  const index = JSON.parse(entry(path, 'photos/index.json')) as Entry[];
  return {
    sql: entry(path, 'database.sql'),
    photos: index.map(({ key, size, sha256 }) => [key, size, sha256]),
  };
}

/** Empty targets by name, and where a backup of what was restored is read from. */
const targets: Record<string, () => Promise<{ to: RestoreOptions; rows: Rows; photos: Photos }>> = {
  'a file and a folder': () => {
    const dir = folder();
    const [file, directory] = [join(dir, 'a.sqlite'), join(dir, 'photos')];
    const to = { database: file, photosDir: directory };
    return Promise.resolve({ to, rows: { file }, photos: { directory } });
  },
  "wrangler's local state": () => {
    const stateDir = folder();
    const to = { wrangler: { databaseId, bucket, stateDir } };
    const from = { wrangler: { databaseId, stateDir } };
    return Promise.resolve({ to, rows: from, photos: { wrangler: { bucket, stateDir } } });
  },
  'a file and a bucket': async () => {
    await aim.clear();
    const file = join(folder(), 'a.sqlite');
    return { to: { database: file, s3: aim.s3 }, rows: { file }, photos: { s3: aim.s3 } };
  },
};

it('gives the same rows and the same photos, and gets them back the same', async () => {
  for (const [rowsName, database] of rows) {
    for (const [photosName, from] of photos) {
      const pair = `${rowsName} and ${photosName}`;
      const archive = await backup(database, from);
      const first = held(archive);
      expect({ pair, sql: first.sql }).toEqual({ pair, sql: script });
      expect({ pair, keys: first.photos.map((photo) => (photo as string[])[0]) }).toEqual({
        pair,
        keys: kept,
      });
      for (const [name, make] of Object.entries(targets)) {
        const target = await make();
        const report = await restoreBackup(archive, target.to);
        expect({ pair, name, everything: report.restoredEverything }).toEqual({
          pair,
          name,
          everything: true,
        });
        const again = held(await backup(target.rows, target.photos));
        expect({ pair, name, ...again }).toEqual({ pair, name, ...first });
      }
    }
  }
}, 300_000);
