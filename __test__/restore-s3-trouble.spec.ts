/** What fails on the way while a backup is restored into a bucket by S3: nothing is torn, and everything is told. */

import { join } from 'node:path';

import { restoreBackup } from '../index.js';
import { folder } from './support';
import { type Asked, type Fault, faults } from './support/fault-proxy';
import { full } from './support/random';
import { bucketsToRestore, bytesOf, keys, large, type S3, told } from './support/restored-bucket';

const { archive, backup, withTarget } = bucketsToRestore();

describe('what fails on the way', () => {
  it(
    'once leaves nothing out and nothing torn, whichever request it is',
    () =>
      withTarget(async ({ empty, proxy, s3 }) => {
        await restoreBackup(archive(), { s3 });
        const requests = proxy.asked.length;
        // A page of the listing, four small photos, and a large one that is begun, sent in two parts, looked for and made.
        expect(requests).toBe(1 + 4 + 5);
        const expected = told(await backup({ s3: empty.s3 }));
        const tryEach = (fault: Fault) =>
          withTarget(async ({ empty, proxy, s3 }) => {
            for (const nth of some(fault, requests)) {
              await empty.clear();
              proxy.behave((asked) => (asked.nth === nth ? fault : undefined));
              const report = await restoreBackup(archive(), { s3 });
              expect({ nth, fault, written: report.photos }).toEqual({ nth, fault, written: 5 });
              expect({ nth, fault, held: told(await backup({ s3: empty.s3 })) }).toEqual({
                nth,
                fault,
                held: expected,
              });
            }
          });
        // The waiting of all of them goes on at the same time.
        await Promise.all(faults.map(tryEach));
      }),
    240_000,
  );

  it('once while parts become one object, after the answer has begun, is tried again', () =>
    withTarget(async ({ empty, proxy, s3 }) => {
      const isLast = ({ method, path }: Asked): boolean =>
        method === 'POST' && path.includes('uploadId=');
      proxy.behave((asked) =>
        isLast(asked) && proxy.asked.filter(isLast).length === 1 ? 'late' : undefined,
      );
      expect(await restoreBackup(archive(), { s3 })).toMatchObject({ photos: 5 });
      expect(proxy.asked.filter(isLast)).toHaveLength(2);
      const sent = await empty.get(large);
      expect(sent.equals(bytesOf(large))).toBe(true);
    }));

  it('is no photo that is there: the page of a network with the status of success', () =>
    withTarget(async ({ empty, proxy, s3 }) => {
      const isWrite = ({ method, path }: Asked): boolean =>
        method === 'PUT' || path.endsWith('?uploads=');
      const seen = new Set<string>();
      proxy.behave((asked) => {
        if (!isWrite(asked) || seen.has(asked.path)) return undefined;
        seen.add(asked.path);
        return 'login';
      });
      expect(await restoreBackup(archive(), { s3 })).toMatchObject({ photos: 5 });
      // Four small photos, and a large one that is begun and sent in two parts.
      expect(seen.size).toBe(4 + 3);
      proxy.behave();
      const held = await restoreBackup(archive(), { s3 });
      expect(held).toMatchObject({ photos: 0, skipped: keys.length });

      await empty.clear();
      proxy.behave((asked) => (isWrite(asked) ? 'login' : undefined));
      const failure = restoreBackup(archive(), { s3, keys: ['originals/empty.jpg'] });
      await expect(failure).rejects.toMatchObject({
        code: 'SOURCE_UNREACHABLE',
        message: expect.stringContaining('not those of an S3 store') as string,
      });
    }));

  it('for ever ends in one clear error, and what is there is whole', async () => {
    // The waiting of both goes on at the same time.
    await Promise.all([
      withTarget(async ({ empty, proxy, s3 }) => {
        proxy.behave(({ method }) => (method === 'GET' ? undefined : 'busy'));
        const restored = restoreBackup(archive(), { s3, database: join(folder(), 'a.sqlite') });
        await expect(restored).rejects.toMatchObject({
          code: 'SOURCE_UNREACHABLE',
          message: expect.stringMatching(/overloaded or down; try again later/) as string,
        });
        expect(await empty.keys()).toEqual([]);
      }),
      withTarget(async ({ empty, proxy, s3 }) => {
        proxy.behave(({ path }) => (isPart(path) ? 'gateway' : undefined));
        await expect(restoreBackup(archive(), { s3 })).rejects.toMatchObject({
          code: 'SOURCE_UNREACHABLE',
        });
        // It is the last of the originals, and the smaller copies come after them.
        const before = keys.filter((key) => key.startsWith('originals') && key !== large);
        expect(await empty.keys()).toEqual(before);
        expect(proxy.asked.at(-1)?.method).toBe('DELETE');
        proxy.behave();
        expect(await restoreBackup(archive(), { s3 })).toMatchObject({ photos: 2, skipped: 3 });
      }),
    ]);
  }, 120_000);

  it('by credentials, bucket or options is named, without the secret', () =>
    withTarget(async ({ s3 }) => {
      const wrong: [Partial<S3>, string, RegExp][] = [
        [{ secretAccessKey: 'hidden-secret' }, 'SOURCE_REFUSED', /secret access key/],
        [{ accessKeyId: 'nobody' }, 'SOURCE_REFUSED', /may list and read this bucket/],
        [{ bucket: 'no-such-bucket' }, 'SOURCE_UNREACHABLE', /no such bucket/],
        [{ endpoint: 'ftp://x' }, 'INVALID_OPTIONS', /s3\.endpoint/],
        [{ bucket: '../x' }, 'INVALID_OPTIONS', /s3\.bucket/],
      ];
      for (const [change, code, words] of wrong) {
        const error: unknown = await restoreBackup(archive(), { s3: { ...s3, ...change } }).catch(
          (error: unknown) => error,
        );
        expect(error).toMatchObject({ code, message: expect.stringMatching(words) as string });
        expect(String((error as Error).stack)).not.toMatch(/hidden-secret|SECRETTEST/);
      }
      await expect(
        restoreBackup(archive(), { s3: { bucket: 'x' } as unknown as S3 }),
      ).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }));

  it('by being aborted leaves no part of a photo', () =>
    withTarget(async ({ empty, proxy, s3 }) => {
      const controller = new AbortController();
      proxy.before = ({ path }) => {
        if (isPart(path)) controller.abort();
        return Promise.resolve();
      };
      await expect(
        restoreBackup(archive(), { s3, signal: controller.signal }),
      ).rejects.toMatchObject({ code: 'ABORT_ERR' });
      expect(await empty.keys()).not.toContain(large);
    }));
});

function isPart(path: string): boolean {
  return path.includes('partNumber=');
}

/** Which requests meet a fault: each in the full run; else each of them some faults, and each fault some of them. */
function some(fault: Fault, requests: number): number[] {
  const all = Array.from({ length: requests }, (_, nth) => nth + 1);
  return all.filter((nth) => full || faults.indexOf(fault) % 3 === nth % 3);
}
