/** A folder of dumps on what is not the best of file systems, and after a process that died in it. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { folder, listing, removeFolders } from '../support';
import { evaluate } from '../support/evaluate';

afterEach(removeFolders);

/** What becomes of a script with a `store` in a folder; `link` then fails with this code, if any. */
function inStore(root: string, script: string, linkError?: string): unknown {
  return evaluate(
    'FolderStore',
    'admin/storage/folder.js',
    `const { default: fs } = await import('node:fs/promises');
     const { syncBuiltinESMExports } = await import('node:module');
     const code = ${JSON.stringify(linkError ?? null)};
     if (code !== null) fs.link = async () => { throw Object.assign(new Error(code), { code }); };
     syncBuiltinESMExports();
     const store = new FolderStore(${JSON.stringify(root)});
     ${script}`,
  );
}

describe('an upload', () => {
  const upload = (from: string): string => `
    const sent = store.upload('dumps/a.zip', ${JSON.stringify(from)}, {}, {});
    return await sent.then(() => 'sent', ({ name }) => name);`;

  // FAT, exFAT, SMB and much of FUSE have no links, and say so in many words.
  it.each([undefined, 'EPERM', 'ENOTSUP', 'ENOSYS'])(
    'gets a name that was free, and no other, where links are %s',
    (linkError) => {
      const base = folder();
      const [root, from] = [join(base, 'public'), join(base, 'dump.zip')];
      writeFileSync(from, 'a dump');
      expect(inStore(root, upload(from), linkError)).toBe('sent');
      expect(readFileSync(join(root, 'dumps', 'a.zip'), 'utf8')).toBe('a dump');
      writeFileSync(from, 'another');
      expect(inStore(root, upload(from), linkError)).toBe('PreconditionFailed');
      expect(readFileSync(join(root, 'dumps', 'a.zip'), 'utf8')).toBe('a dump');
      expect(readdirSync(join(root, 'dumps'))).toEqual(['a.zip']);
    },
  );
});

it('an upload removes what earlier ones left that did not come to their end, nothing under way and nothing of others', () => {
  const base = folder();
  const [root, from] = [join(base, 'public'), join(base, 'dump.zip')];
  writeFileSync(from, 'a dump');
  const yesterday = new Date(Date.now() - 86_400_000 - 60_000);
  const underWay = `dumps/.${randomUUID()}.part`;
  for (const [name, isOld] of [
    [`dumps/a/.${randomUUID()}.part`, false],
    [`dumps/b/.${randomUUID()}.part`, true],
    [underWay, false],
    ['dumps/film.mkv.part', true],
    ['downloads/film.mkv.part', true],
    ['downloads/.1.part', true],
  ] as const) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), 'half of it');
    if (isOld) utimesSync(join(root, name), yesterday, yesterday);
  }
  const upload = `await store.upload('dumps/a/a.zip', ${JSON.stringify(from)}, {}, {}); return 'sent';`;
  expect(inStore(root, upload)).toBe('sent');
  expect(listing(root)).toEqual([
    'downloads',
    'downloads/.1.part',
    'downloads/film.mkv.part',
    'dumps',
    underWay,
    'dumps/a',
    'dumps/a/a.zip',
    'dumps/film.mkv.part',
  ]);
});

it('a reader that is stopped before the file is open opens none', () => {
  const root = folder();
  writeFileSync(join(root, 'a.zip'), 'a dump');
  const script = `
    const stop = new AbortController();
    const reading = store.read('a.zip', { signal: stop.signal });
    stop.abort();
    return reading.then(() => 'open', ({ name }) => name);`;
  expect(inStore(root, script)).toBe('AbortError');
});

describe('the mutex of an object', () => {
  const write = `return store.put('a.json', Buffer.from('{}'), {}).then(() => 'written');`;

  it.each([-3_600_000, 3_600_000])(
    'that a dead process left is removed, made %s ms from now by the clock of the disk',
    (ms) => {
      const root = folder();
      const mutex = join(root, 'a.json.mutex');
      mkdirSync(mutex);
      const made = new Date(Date.now() + ms);
      utimesSync(mutex, made, made);
      // The clock by which it is stale goes twenty times as fast.
      const fast = `const { now } = performance; performance.now = () => 20 * now.call(performance);`;
      expect(inStore(root, fast + write)).toBe('written');
      expect(readdirSync(root)).toEqual(['a.json']);
    },
  );

  it('is waited for while others take turns', () => {
    const root = folder();
    const script = `
      const { setTimeout: sleep } = await import('node:timers/promises');
      const mutex = ${JSON.stringify(join(root, 'a.json.mutex'))};
      await fs.mkdir(mutex);
      let isHeld = true;
      // The clock by which it is stale: three seconds to a turn.
      let clock = 0;
      performance.now = () => clock;
      const turns = (async () => {
        for (let n = 0; n < 4; n += 1) {
          await sleep(100);
          clock += 3_000;
          await sleep(100);
          await fs.mkdir(mutex + '.next');
          await fs.rename(mutex + '.next', mutex);
        }
        isHeld = false;
        await fs.rmdir(mutex);
      })();
      await store.put('a.json', Buffer.from('{}'), {});
      const isFree = !isHeld;
      await turns;
      return isFree;`;
    expect(inStore(root, script)).toBe(true);
  });

  it('that somebody has removed as stale does not undo what was written', () => {
    const root = folder();
    const script = `
      const { rename } = fs;
      fs.rename = async (from, to) => {
        await rename(from, to);
        await fs.rmdir(to + '.mutex');
      };
      syncBuiltinESMExports();
      ${write}`;
    expect(inStore(root, script)).toBe('written');
  });
});
