/** A bucket behind a proxy that fails requests when it is told to, and a service that publishes into it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, removeFolders } from '../../support';
import { FaultProxy } from '../fault-proxy';
import { type Bucket, bucket } from './bucket';
import { Client } from './client';
import { newestGeneration, people } from './people';
import { prefix } from './places';
import { serveStandIn, stopServices } from './service';

/** The dump that is made first. */
export const firstId = '20260501T000000Z';
export const firstArchive = `${prefix}${firstId}/datadump-2026-05-01.zip`;

interface Stage {
  readonly r2: Bucket;
  readonly proxy: FaultProxy;
  /** The folder that everything of a test is in. */
  readonly base: string;
  /** The service's own admin. */
  readonly admin: Client;
  /** Another instance of the service, with a state folder of its own. */
  readonly start: (state: string) => Promise<Client>;
  /** The instant of the dumps that are made from now on. */
  readonly plan: (at: string) => void;
  /** The dumps that are listed. */
  readonly ids: () => Promise<readonly string[]>;
  /** What a file of JSON in the bucket says. */
  readonly json: <T>(key: string) => Promise<T>;
}

/** A stage for the tests of a spec, set anew for each. */
export function faultyBucket(): Stage {
  let r2: Bucket;
  let proxy: FaultProxy;
  let base: string;
  let admin: Client;

  const plan = (at: string): void => {
    writeFileSync(join(base, 'plan.json'), JSON.stringify({ at }));
  };
  const start = async (state: string): Promise<Client> => {
    const service = await serveStandIn({
      SOURCE_DATABASE_FILE: newestGeneration(folder()),
      ADMIN_PLATFORM_ROWS: '1',
      ADMIN_STATE_DIR: join(base, state),
      BACKUP_OUTPUT_DIR: join(base, 'backups'),
      STAND_IN_PLAN: join(base, 'plan.json'),
      ...r2.env,
      DUMPS_S3_ENDPOINT: proxy.url,
    });
    return new Client(service, people.roleAdmin);
  };

  beforeAll(async () => {
    r2 = await bucket();
    proxy = await new FaultProxy(new URL(r2.env['DUMPS_S3_ENDPOINT'] ?? '')).listen();
  });

  beforeEach(async () => {
    await r2.empty();
    proxy.behave();
    base = folder();
    admin = await start('state');
    plan('2026-05-01T00:00:00Z');
  });

  afterEach(async () => {
    await stopServices();
    removeFolders();
  });

  afterAll(async () => {
    await proxy.close();
    await r2.close();
  });

  return {
    get r2() {
      return r2;
    },
    get proxy() {
      return proxy;
    },
    get base() {
      return base;
    },
    get admin() {
      return admin;
    },
    start,
    plan,
    ids: async () => (await admin.dumps()).dumps.map(({ id }) => id),
    json: async <T>(key: string) => JSON.parse(String(await r2.read(`${prefix}${key}`))) as T,
  };
}
