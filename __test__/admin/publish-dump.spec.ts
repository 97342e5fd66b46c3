/** `npm run publish-dump` on its own: what becomes of dumps that it could not send, and of one that is interrupted. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { listing, root } from '../support';
import { faultyBucket } from '../support/admin/faulty-bucket';
import { newer } from '../support/platform';

const stage = faultyBucket();
let database: string;

beforeEach(() => {
  database = newer(stage.base);
});

/** The command, with the state folder of the stage's service. */
function publishDump(): ChildProcess {
  const { PATH = '' } = process.env;
  return spawn(process.execPath, [join(root, 'dist', 'admin', 'publish.js')], {
    cwd: stage.base,
    env: {
      PATH,
      SOURCE_DATABASE_FILE: database,
      ADMIN_STATE_DIR: join(stage.base, 'state'),
      BACKUP_OUTPUT_DIR: join(stage.base, 'backups'),
      ...stage.r2.env,
      DUMPS_S3_ENDPOINT: stage.proxy.url,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<[code: number | null, said: string]> {
  const said = child.stderr === null ? '' : text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, await said];
}

const outbox = (): string[] =>
  listing(join(stage.base, 'state', 'outbox')).filter((name) => name.endsWith('.zip'));

it('gives up what it could not send once a newer dump is published, and the service shows it till then', async () => {
  stage.proxy.behave(({ method, path }) =>
    method === 'PUT' && path.includes('.zip') ? 'busy' : undefined,
  );
  const [code, said] = await ended(publishDump());
  expect([code, said]).toEqual([1, expect.stringContaining('is kept and can be sent again')]);
  expect(outbox()).toHaveLength(1);
  const jobs = async (): Promise<readonly { publishable: boolean }[]> =>
    (await stage.admin.ask<{ jobs: { publishable: boolean }[] }>('GET', 'jobs')).data.jobs;
  expect(await jobs()).toMatchObject([{ state: 'failed', publishable: true }]);

  stage.proxy.behave();
  expect([0, 3]).toContain((await ended(publishDump()))[0]);
  expect(outbox()).toEqual([]);
  expect(await stage.ids()).toHaveLength(1);
  expect((await jobs()).map(({ publishable }) => publishable)).toEqual([false, false]);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'ends as interrupted when %s comes while it takes the lock',
  async (signal) => {
    const child = publishDump();
    stage.proxy.before = async ({ method, path }) => {
      if (method !== 'PUT' || !path.includes('.lock.json')) return;
      child.kill(signal);
      // The signal has come before the lock is there.
      await sleep(300);
    };
    expect((await ended(child))[0]).toBe(130);
    expect(outbox()).toEqual([]);
  },
);
