/** The folder of dumps, as the world sees it. */

import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { folder } from '../support';
import { places, prefix } from '../support/admin/places';
import { emptyService, evaluate } from '../support/evaluate';
import { boundByModes } from '../support/process';

const { base, client, inFolder, plan } = places();

describe('the folder, as the world sees it', () => {
  it('gives ranges, and nothing that is not published', async () => {
    const place = inFolder();
    plan({ at: '2026-06-01T00:00:00Z' });
    const admin = await client(place);
    await admin.make();
    writeFileSync(join(base(), 'public', 'secret.txt'), 'secret');
    const url = `${admin.service.url}/${prefix}20260601T000000Z/datadump-2026-06-01.zip`;
    const archive =
      (await place.read(`${prefix}20260601T000000Z/datadump-2026-06-01.zip`)) ?? Buffer.alloc(0);
    const part = async (range: string): Promise<[number, Buffer, string | null]> => {
      const response = await fetch(url, { headers: { range } });
      const bytes = Buffer.from(await response.arrayBuffer());
      return [response.status, bytes, response.headers.get('content-range')];
    };
    const size = archive.length;
    expect(await part('bytes=2-5')).toEqual([206, archive.subarray(2, 6), `bytes 2-5/${size}`]);
    expect(await part('bytes=-4')).toEqual([
      206,
      archive.subarray(-4),
      `bytes ${size - 4}-${size - 1}/${size}`,
    ]);
    expect(await part(`bytes=${size - 2}-`)).toEqual([
      206,
      archive.subarray(-2),
      `bytes ${size - 2}-${size - 1}/${size}`,
    ]);
    expect((await part(`bytes=${size}-`))[0]).toBe(416);
    expect((await part('bytes=-0'))[0]).toBe(416);
    expect((await part('bytes=0-1,4-5')).slice(0, 2)).toEqual([200, archive]);
    const whole = await fetch(url);
    const etag = whole.headers.get('etag') ?? '';
    // What a page of anybody's has to read in order to take a member out of the archive.
    expect(whole.headers.get('access-control-expose-headers')).toMatch(/content-range/);
    // Half a download of another file is not continued.
    const statusIf = async (state: string): Promise<number> => {
      const headers = { range: 'bytes=2-5', 'if-range': state };
      return (await fetch(url, { headers })).status;
    };
    expect(await statusIf(etag)).toBe(206);
    expect(await statusIf(whole.headers.get('last-modified') ?? '')).toBe(206);
    expect(await statusIf('"another"')).toBe(200);
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(archive);
    // Compared weakly: nginx marks the tag of what it packs.
    for (const had of [etag, `W/${etag}`, `"another" , W/${etag}`, '*']) {
      expect((await fetch(url, { headers: { 'if-none-match': had } })).status).toBe(304);
    }
    expect((await fetch(url, { headers: { 'if-none-match': 'W/"another"' } })).status).toBe(200);
    // As `wget -N` asks; whoever names a tag is not asked for a time.
    const made = whole.headers.get('last-modified') ?? '';
    const statusSince = async (since: string, tag: Record<string, string> = {}): Promise<number> =>
      (await fetch(url, { headers: { 'if-modified-since': since, ...tag } })).status;
    expect(await statusSince(made)).toBe(304);
    expect(await statusSince(new Date(Date.parse(made) - 1000).toUTCString())).toBe(200);
    expect(await statusSince('yesterday')).toBe(200);
    expect(await statusSince(made, { 'if-none-match': '"another"' })).toBe(200);
    // A pointer may be replaced twice within a second.
    const pointer = `${admin.service.url}/${prefix}index.json`;
    const later = { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() };
    expect((await fetch(pointer, { headers: later })).status).toBe(200);
    const { headers: told } = await fetch(pointer);
    for (const [tag, status] of [
      ['etag', 206],
      ['last-modified', 200],
    ] as const) {
      const headers = { range: 'bytes=2-5', 'if-range': told.get(tag) ?? '' };
      expect([tag, (await fetch(pointer, { headers })).status]).toEqual([tag, status]);
    }
    for (const headers of [{}, { range: 'bytes=2-5' }]) {
      const head = await fetch(url, { method: 'HEAD', headers });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
    }
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
    for (const path of [
      '.lock.json',
      '',
      '..%2fsecret.txt',
      '%2e%2e/secret.txt',
      '20260601T000000Z/',
      '20260601T000000Z/x',
    ]) {
      expect((await fetch(`${admin.service.url}/${prefix}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${admin.service.url}/secret.txt`)).status).toBe(404);
  });

  // Windows has no such permissions.
  (process.platform === 'win32' ? it.skip : it)(
    'does not say of a file that it cannot read that there is none',
    async () => {
      plan({ at: '2026-06-01T00:00:00Z' });
      const admin = await client(inFolder(), 'state', {}, boundByModes());
      await admin.make();
      const key = `${prefix}20260601T000000Z/datadump-2026-06-01.zip`;
      chmodSync(join(base(), 'public', key), 0);
      const answer = await fetch(`${admin.service.url}/${key}`);
      expect([answer.status, await answer.json()]).toEqual([
        503,
        expect.objectContaining({ error: 'STORAGE_UNAVAILABLE' }),
      ]);
    },
  );

  it('gives a pointer whole while it is replaced', async () => {
    const admin = await client(inFolder());
    const path = join(base(), 'public', prefix, 'index.json');
    mkdirSync(dirname(path), { recursive: true });
    const texts = [10, 20_000].map((dumps) => JSON.stringify(Array(dumps).fill('a dump')));
    const write = (text = ''): void => {
      writeFileSync(`${path}.part`, text);
      renameSync(`${path}.part`, path);
    };
    write(texts[0]);
    let isOver = false as boolean;
    const replacing = (async () => {
      for (let n = 0; !isOver; n += 1) {
        write(texts[n % 2]);
        await sleep(1);
      }
    })();
    const read = async (): Promise<string> => {
      const response = await fetch(`${admin.service.url}/${prefix}index.json`);
      return response.text().catch(String);
    };
    const answers: string[] = [];
    for (let n = 0; n < 50; n += 1) {
      answers.push(...(await Promise.all(Array.from({ length: 8 }, read))));
    }
    isOver = true;
    await replacing;
    expect(answers.filter((text) => !texts.includes(text))).toEqual([]);
  });

  it('is not served while a private backup lies in it', async () => {
    // Wherever links in it lead, also in circles.
    const [served, elsewhere] = [join(base(), 'public'), join(base(), 'elsewhere')];
    mkdirSync(served);
    mkdirSync(join(elsewhere, 'old'), { recursive: true });
    symlinkSync('.', join(served, 'a'));
    symlinkSync('../elsewhere', join(served, 'b'));
    symlinkSync('c', join(served, 'c'));
    for (const folder of [join(elsewhere, 'old'), served]) {
      const backup = join(folder, 'backup-2026-01-02-030405.zip');
      writeFileSync(backup, 'PK');
      await expect(client(inFolder())).rejects.toThrow(/holds a private backup/);
      rmSync(backup);
    }
  });

  // Permissions of folders are those of POSIX.
  (process.platform === 'win32' ? it.skip : it)(
    'may be the root of a volume, with a folder that is its owner’s alone',
    async () => {
      const lost = join(base(), 'public', 'lost+found');
      mkdirSync(lost, { recursive: true });
      chmodSync(lost, 0o000);
      try {
        const admin = await client(inFolder(), 'state', {}, boundByModes());
        plan({});
        expect(await admin.make()).toMatchObject({ state: 'succeeded' });
        expect((await admin.dumps()).total).toBe(1);
      } finally {
        chmodSync(lost, 0o700);
      }
    },
  );
});

it('goes on, with no file left open, however somebody breaks a download off', () => {
  const base = folder();
  const index = join(base, 'public', prefix, 'index.json');
  mkdirSync(dirname(index), { recursive: true });
  writeFileSync(index, Buffer.alloc(700_000));
  const script = `
    const { readlinkSync, readdirSync } = await import('node:fs');
    const { setImmediate: turn, setTimeout: sleep } = await import('node:timers/promises');
    ${emptyService(base, 'onAudit: () => undefined')}
    const uncaught = new Set();
    process.on('uncaughtException', ({ message }) => uncaught.add(message));
    const breakOff = async (n) => {
      const { body } = await app.request('/${prefix}index.json');
      const reader = body.getReader();
      for (let read = 0; read < n % 12; read += 1) {
        await reader.read();
        if (n % 3 === 0) await sleep(n % 4);
      }
      if (n % 5 === 0) reader.read().catch(() => undefined);
      if (n % 7 === 0) await turn();
      await reader.cancel(new Error('gone'));
    };
    for (let n = 0; n < 600; n += 30) {
      await Promise.all(Array.from({ length: 30 }, (_, k) => breakOff(n + k)));
    }
    const isOpen = (fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd) === ${JSON.stringify(index)};
      } catch {
        return false;
      }
    };
    // Only Linux tells which files are open.
    const open = () => process.platform === 'linux' ? readdirSync('/proc/self/fd').filter(isOpen) : [];
    for (let n = 0; open().length > 0 && n < 100; n += 1) await sleep(20);
    return { uncaught: [...uncaught], open: open().length };`;
  expect(evaluate('createAdminApp', 'admin/index.js', script)).toEqual({ uncaught: [], open: 0 });
});
