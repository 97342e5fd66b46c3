/** A backup that is restored into a bucket by S3: every photo with what the store knew of it, and nothing written over. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { restoreBackup, type RestoreOptions } from '../index.js';
import { folder, listing, run } from './support';
import { account, bucket, R2Double, token } from './support/r2';
import {
  bucketsToRestore,
  bytesOf,
  index,
  keys,
  large,
  type Photos,
  told,
} from './support/restored-bucket';
import { entry } from './support/tools';

const { archive, backup, withTarget } = bucketsToRestore();

describe('a bucket that is restored', () => {
  it(
    'holds every photo as it was, from every source, and the same backup comes of it',
    () =>
      withTarget(async ({ empty, s3 }) => {
        const report = await restoreBackup(archive(), { s3, database: join(folder(), 'a.sqlite') });
        expect(report).toMatchObject({
          photos: keys.length,
          skipped: 0,
          restoredEverything: true,
          warnings: [],
        });
        const sources: Photos[] = [
          { s3: empty.s3 },
          { wrangler: { bucket, stateDir: empty.state } },
          { r2: { accountId: account, bucket, apiToken: token, apiUrl: empty.apiUrl } },
        ];
        for (const photos of sources) {
          const again = await backup(photos);
          // R2 decodes what S3 brings; miniflare hands it on as it is, so that only S3 itself gives it back.
          const isDecoded = 's3' in photos;
          const strip = (entry: object): object =>
            isDecoded ? entry : { ...entry, custom_metadata: undefined };
          expect(told(again).map(strip)).toEqual(told(archive()).map(strip));
          expect(entry(again, 'database.sql')).toBe(entry(archive(), 'database.sql'));
          // What was read from any source restores into any target.
          for (const aim of ['directory', 'wrangler'] as const) {
            const dir = folder();
            const options: RestoreOptions =
              aim === 'directory'
                ? { photosDir: join(dir, 'photos') }
                : { wrangler: { bucket, stateDir: dir } };
            const { photos: written } = await restoreBackup(again, options);
            expect(written).toBe(keys.length);
            const third = await backup(
              aim === 'directory'
                ? { directory: join(dir, 'photos') }
                : { wrangler: { bucket, stateDir: dir } },
            );
            const bytes = (path: string): unknown[] =>
              index(path).map(({ key, size, sha256 }) => [key, size, sha256]);
            expect(bytes(third)).toEqual(bytes(archive()));
            if (aim === 'wrangler') expect(told(third)).toEqual(told(again));
          }
        }
      }),
    120_000,
  );

  it('goes on where it was broken off, and a dry run writes nothing', () =>
    withTarget(async ({ proxy, s3 }) => {
      expect(await restoreBackup(archive(), { s3, dryRun: true })).toMatchObject({
        photos: keys.length,
      });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
      await restoreBackup(archive(), { s3, keys: ['originals/[a-e]*'] });
      const resumed = await restoreBackup(archive(), { s3 });
      expect([resumed.photos, resumed.skipped]).toEqual([3, 2]);
      proxy.behave();
      expect(await restoreBackup(archive(), { s3 })).toMatchObject({ photos: 0, skipped: 5 });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
    }));

  it('names what no header can hold, and does not say that everything is back', () =>
    withTarget(async ({ s3 }) => {
      const odd = await new R2Double(join(folder(), 'v3')).listen();
      try {
        await odd.put(keys[1] ?? '', Buffer.from('x'), {
          httpMetadata: { contentDisposition: 'inline; filename="höhe.jpg"' },
          customMetadata: { größe: '1', a: 'b' },
        });
        const path = await backup({ wrangler: { bucket, stateDir: odd.state } });
        const report = await restoreBackup(path, { s3, database: join(folder(), 'a.sqlite') });
        expect(report.restoredEverything).toBe(false);
        expect(report.warnings).toEqual([
          {
            code: 'METADATA_LEFT_OUT',
            subject: keys[1],
            message: expect.stringContaining('content_disposition, größe;') as string,
          },
        ]);
      } finally {
        await odd.close();
      }
    }));
});

describe('what is in the bucket already', () => {
  it.each([
    ['of the same length', bytesOf(keys[1] ?? '').fill('y')],
    ['of another length', Buffer.from('mine')],
  ])('under a key, %s, ends the restore before anything is written', (_, mine) =>
    withTarget(async ({ empty, proxy, s3 }) => {
      await empty.put(keys[1] ?? '', mine);
      const file = join(folder(), 'a.sqlite');
      await expect(restoreBackup(archive(), { s3, database: file })).rejects.toMatchObject({
        code: 'TARGET_NOT_EMPTY',
        message: expect.stringContaining('heron.jpg') as string,
      });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
      expect(listing(join(file, '..'))).toEqual([]);
      await restoreBackup(archive(), { s3, keys: ['originals/[a-z]*'] });
    }),
  );

  it.each([
    ['small', keys[1] ?? '', 'PUT'],
    ['large', large, 'HEAD'],
  ])('is not written over when it comes meanwhile: a %s photo', (_, key, method) =>
    withTarget(async ({ empty, proxy, s3 }) => {
      proxy.before = async (asked) => {
        const isLast = asked.method === method && asked.path.includes(`/${bucket}/${key}`);
        if (isLast) await empty.put(key, Buffer.from('theirs'));
      };
      await expect(restoreBackup(archive(), { s3 })).rejects.toMatchObject({
        code: 'TARGET_NOT_EMPTY',
      });
      const kept = await empty.get(key);
      expect(kept.toString()).toBe('theirs');
    }),
  );
});

describe('the command', () => {
  it('takes the bucket by flags and the credentials from the environment', () =>
    withTarget(async ({ empty, s3 }) => {
      const cwd = folder();
      mkdirSync(cwd, { recursive: true });
      const command = ['restore', archive(), '--s3-endpoint', s3.endpoint, '--s3-bucket', bucket];
      const none = await run(command, { cwd });
      expect(none.code).toBe(2);
      expect(none.stderr).toMatch(/R2_ACCESS_KEY_ID.*R2_SECRET_ACCESS_KEY/);
      const env = {
        R2_ACCESS_KEY_ID: s3.accessKeyId,
        R2_SECRET_ACCESS_KEY: s3.secretAccessKey,
      };
      const { code, stdout, stderr } = await run(command, { cwd, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`bucket ${bucket}: 5 (`);
      expect(`${stdout}${stderr}`).not.toContain(s3.secretAccessKey);
      expect(await empty.keys()).toEqual(keys);
    }));
});
