/** A public URL whose server or name leads elsewhere: nothing but that host is asked, for nothing but keys. */

import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';

import { createBackup, createDataDump } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { runJob } from './support/process';
import { give, type Handler, held, missing, options, Site } from './support/site';

afterAll(removeFolders);

function lead(response: ServerResponse, location: string, status = 302): void {
  response.writeHead(status, { location }).end();
}

describe('a redirect', () => {
  it('is followed within the host, and nowhere else', async () => {
    const other = await Site.listen((_, response) => {
      give(response);
    });
    const site = await Site.listen(({ url = '' }, response) => {
      const name = url.split('/').at(-1);
      const places: Record<string, string> = {
        'b-relative.jpg': '../real/1.jpg',
        'c-absolute.jpg': `${site.url}/real/2.jpg#part`,
        'd-twice.jpg': '/base/originals/b-relative.jpg',
        'd-unicode.jpg': Buffer.from('/real/höhe.jpg').toString('latin1'),
        'e-port.jpg': `${other.url}/x.jpg`,
        'f-name.jpg': `http://localhost:${String(site.port)}/real/3.jpg`,
        'g-scheme.jpg': `//metadata.internal/x.jpg`,
        'h-metadata.jpg': 'http://169.254.169.254/latest/meta-data/',
        'i-file.jpg': 'file:///etc/passwd',
        'j-circle.jpg': '/base/originals/j-circle.jpg',
        'k-user.jpg': `http://127.0.0.1:${String(site.port)}@127.0.0.2/x.jpg`,
        'l-secured.jpg': `https://127.0.0.1:${String(other.port)}/x.jpg`,
        'm-nowhere.jpg': '',
      };
      const place = places[name ?? ''];
      if (place !== undefined) lead(response, place, 301 + (site.asked.length % 2) * 6);
      else give(response);
    });
    const names =
      'a b-relative c-absolute d-twice d-unicode e-port f-name g-scheme h-metadata i-file j-circle';
    const keys = [...names.split(' '), 'k-user', 'l-secured', 'm-nowhere'].map(
      (name) => `originals/${name}.jpg`,
    );
    const result = await createBackup(options(`${site.url}/base`, keys));
    expect(held(result)).toEqual(keys.slice(0, 5));
    expect(missing(result)).toEqual(
      Object.fromEntries(keys.slice(5).map((key) => [key, 'redirected'])),
    );
    expect(other.asked).toEqual([]);
  });

  it.each([1, 12])('of all of %d photos is an error of the address', async (count) => {
    const away: Handler = ({ url = '' }, response) => {
      lead(response, `http://www.example.org${url}`);
    };
    const site = await Site.listen(away, away);
    const keys = Array.from({ length: count }, (_, n) => `originals/${String(n)}.jpg`);
    const outputDir = folder();
    const message = /redirects every photo to another host.*give the address/;
    await expect(createBackup(options(site.url, keys, { outputDir }))).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringMatching(message) as string,
    });
    const { database, photos } = options(site.url, [...keys, 'originals/last.jpg']);
    await expect(createDataDump({ database, photos, outputDir })).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringMatching(message) as string,
    });
    expect(listing(outputDir)).toEqual([]);
  });

  it('where no row names the photo is a guess that was wrong', async () => {
    const site = await Site.listen(
      (_, response) => {
        give(response);
      },
      (_, response) => {
        lead(response, 'http://placeholder.example.org/none.jpg');
      },
    );
    const result = await createBackup(options(site.url, ['originals/1.jpg']));
    expect(missing(result)).toEqual({});
    expect(result.complete).toBe(true);
  });

  it('out of rows is none: a URL there is no address to ask', async () => {
    const other = await Site.listen((_, response) => {
      give(response);
    });
    const site = await Site.listen((_, response) => {
      give(response);
    });
    const away = [
      `${other.url}/originals/x.jpg`,
      `//127.0.0.1:${String(other.port)}/originals/y.jpg`,
      `http://127.0.0.1:${String(site.port)}@127.0.0.1:${String(other.port)}/z.jpg`,
      'http://169.254.169.254/latest/meta-data/',
      'file:///etc/passwd',
      '../../secret.jpg',
      'originals/../../secret.jpg',
      'originals/%2e%2e/%2e%2e/secret.jpg',
      'originals/a.jpg?x=/../../secret#y',
      '\\\\127.0.0.1\\secret.jpg',
    ];
    await createBackup(options(`${site.url}/base/`, ['originals/1.jpg', ...away]));
    expect(other.asked).toEqual([]);
    expect(site.asked.filter((path) => !path.startsWith('/base/'))).toEqual([]);
    // As a browser or a proxy reads them, they still lie below it.
    const read = site.asked.map((path) => new URL(path, site.url).pathname);
    expect(read.filter((path) => !path.startsWith('/base/'))).toEqual([]);
    expect(site.asked.filter((path) => /[?#]/.test(path))).toEqual([]);
  });
});

describe('a base whose name leads to this machine', () => {
  /** A job for which a name of the public Internet resolves to an address of this machine. */
  async function byName(base: (name: string) => string, address: string): Promise<object> {
    const name = 'photos.example.com';
    const hosts = join(folder(), 'hosts');
    writeFileSync(hosts, `${address} ${name}\n127.0.0.1 localhost\n`);
    const request = { options: options(base(name), ['originals/1.jpg']) };
    const isRoot = process.getuid?.() === 0;
    const { error, after } = await runJob(request, [
      ...['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount', 'sh', '-c'],
      'mount --bind "$0" /etc/hosts && exec "$@"',
      hosts,
    ]);
    expect(after).toEqual([]);
    return error ?? {};
  }

  it.each(['127.0.0.1', '10.0.0.1', '192.168.1.1', '169.254.169.254', '::1', 'fe80::1', 'fd00::1'])(
    'is refused, and not connected to: %s',
    async (address) => {
      const site = await Site.listen((_, response) => {
        give(response);
      });
      const error = await byName((name) => `http://${name}:${String(site.port)}`, address);
      expect(error).toMatchObject({
        code: 'SOURCE_REFUSED',
        message: expect.stringMatching(/private address.*give the address itself/) as string,
      });
      expect(site.asked).toEqual([]);
    },
  );

  it.each(['127.0.0.1', 'localhost', '127.1', '[::ffff:127.0.0.1]'])(
    'is taken when it is that address itself: %s',
    async (host) => {
      const site = await Site.listen((_, response) => {
        give(response);
      });
      const base = `http://${host}:${String(site.port)}`;
      const result = await createBackup(options(base, ['originals/1.jpg']));
      expect(held(result)).toEqual(['originals/1.jpg']);
    },
  );
});
