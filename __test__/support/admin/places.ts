/** Places that dumps are published to, and services over them, with a stand-in for the addon. */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, listing, removeFolders } from '../../support';
import { type Bucket, bucket } from './bucket';
import { Client, type Dump } from './client';
import { newestGeneration, people } from './people';
import { serveStandIn, stopServices } from './service';

export interface Place {
  readonly env: Readonly<Record<string, string>>;
  keys(): Promise<readonly string[]>;
  read(key: string): Promise<Buffer | undefined>;
}

interface Places {
  /** The folder that everything of a test is in. */
  readonly base: () => string;
  /** What the stand-in does from now on: see stand-in.mjs. */
  readonly plan: (what: Readonly<Record<string, unknown>>) => void;
  /** A service with a state folder of its own, on the place that all of a test share. */
  readonly client: (
    place: Place,
    state?: string,
    env?: Readonly<Record<string, string>>,
    wrapper?: readonly string[],
  ) => Promise<Client>;
  readonly inFolder: () => Place;
  readonly inBucket: () => Promise<Bucket>;
}

export const prefix = 'public-data-dumps/';
export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Places for the tests of a spec; what a test makes is gone after it. */
export function places(): Places {
  let base: string;
  let r2: Bucket | undefined;

  beforeEach(() => {
    base = folder();
  });

  afterEach(async () => {
    await stopServices();
    removeFolders();
    r2?.wire.mend();
  });

  afterAll(() => r2?.close());

  return {
    base: () => base,
    plan(what) {
      writeFileSync(join(base, 'plan.json'), JSON.stringify(what));
    },
    async client(place, state = 'state', env = {}, wrapper = []) {
      const service = await serveStandIn(
        {
          SOURCE_DATABASE_FILE: newestGeneration(folder()),
          ADMIN_PLATFORM_ROWS: '1',
          ADMIN_STATE_DIR: join(base, state),
          BACKUP_OUTPUT_DIR: join(base, 'backups'),
          STAND_IN_PLAN: join(base, 'plan.json'),
          ...place.env,
          ...env,
        },
        wrapper,
      );
      return new Client(service, people.roleAdmin);
    },
    inFolder() {
      const root = join(base, 'public');
      return {
        env: { DUMPS_DIR: root },
        keys: () => Promise.resolve(listing(root).filter((name) => name.includes('.'))),
        read: (key) => {
          try {
            return Promise.resolve(readFileSync(join(root, key)));
          } catch {
            return Promise.resolve(undefined);
          }
        },
      };
    },
    async inBucket() {
      r2 ??= await bucket();
      await r2.empty();
      return r2;
    },
  };
}

/** What the world may rely on: latest.json names a dump that is whole. */
export async function latest(place: Place): Promise<Dump | undefined> {
  const body = await place.read(`${prefix}latest.json`);
  if (body === undefined) return undefined;
  const dump = JSON.parse(body.toString()) as Dump;
  const key = `${prefix}${dump.id}/${dump.filename}`;
  const archive = await place.read(key);
  expect(archive && [archive.length, sha256(archive)]).toEqual([dump.size, dump.sha256]);
  const sidecar = await place.read(`${key}.json`);
  expect(JSON.parse(String(sidecar))).toEqual(dump);
  return dump;
}
