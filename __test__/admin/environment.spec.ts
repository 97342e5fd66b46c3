/** The variables of the admin service: what it does not start with. */

import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { type DatabaseSource, previewBackup } from '../..';
import { folder, removeFolders, root } from '../support';
import { everyWayIn, publicKey } from '../support/admin/callers';
import { newestGeneration } from '../support/admin/people';
import { serve } from '../support/admin/service';
import { adminOptions, evaluate } from '../support/evaluate';

let base: string;

beforeEach(() => {
  base = folder();
});

afterEach(removeFolders);

describe('a service that nobody could use', () => {
  type Case = [what: string, env: () => Record<string, string>, message: RegExp];
  let answers: readonly (string | null)[];

  const complete = (): Record<string, string> => everyWayIn(base, join(base, 'newest.sqlite'));
  const without = (...names: string[]): Record<string, string> => {
    const env = complete();
    return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
  };
  const cases: Case[] = [
    [
      'no way in',
      () => without('ADMIN_PLATFORM_ROWS', 'ADMIN_FORWARD_SECRET', 'ADMIN_JWT_ISSUER'),
      /nobody could be let in.*ADMIN_FORWARD_SECRET/,
    ],
    ['a short secret', () => ({ ...complete(), ADMIN_FORWARD_SECRET: 'short' }), /at least 32/],
    ['no storage', () => without('DUMPS_DIR'), /set DUMPS_DIR/],
    [
      'any free port, with no word where that is',
      () => ({ ...without('ADMIN_ORIGINS'), ADMIN_PORT: '0', DUMPS_PUBLIC_URL: 'https://x' }),
      /ADMIN_PORT=0 needs ADMIN_ORIGINS/,
    ],
    [
      'any free port in the links of dumps',
      () => ({ ...complete(), ADMIN_PORT: '0', DUMPS_PUBLIC_URL: '' }),
      /ADMIN_PORT=0 needs DUMPS_PUBLIC_URL/,
    ],
    [
      'half a bucket',
      () => ({ ...without('DUMPS_DIR'), DUMPS_S3_ENDPOINT: 'http://x' }),
      /DUMPS_S3_BUCKET/,
    ],
    [
      'a file in the place of a folder for dumps',
      () => ({ ...complete(), DUMPS_DIR: __filename }),
      /^ConfigurationError: DUMPS_DIR: .* cannot be made or used as a folder \(it is a file\)/,
    ],
    [
      'its own folder below a file',
      () => ({ ...complete(), ADMIN_STATE_DIR: join(__filename, 'state') }),
      /^ConfigurationError: ADMIN_STATE_DIR: .* cannot be made .*; check it, or name another/,
    ],
    ['no database', () => without('SOURCE_DATABASE_FILE'), /SOURCE_DATABASE_FILE/],
    [
      'tokens of which none could be an admin',
      () => without('ADMIN_PLATFORM_ROWS', 'ADMIN_FORWARD_SECRET', 'ADMIN_JWT_ORGANIZATION_ID'),
      /set ADMIN_JWT_ORGANIZATION_ID/,
    ],
    [
      'roles that are half switched on',
      () => ({ ...complete(), ADMIN_PLATFORM_ROWS: 'true' }),
      /ADMIN_PLATFORM_ROWS must be 1/,
    ],
    ['everything for public', () => ({ ...complete(), DUMPS_DIR: '/' }), /neither may lie inside/],
    ['an empty list of origins', () => ({ ...complete(), ADMIN_ORIGINS: ' ,' }), /ADMIN_ORIGINS/],
    [
      'an empty list of parties',
      () => ({ ...complete(), ADMIN_JWT_AUTHORIZED_PARTIES: ',' }),
      /ADMIN_JWT_AUTHORIZED_PARTIES/,
    ],
    [
      'roles at Cloudflare for tokens that anybody may guess',
      () => ({
        ...without('SOURCE_DATABASE_FILE', 'ADMIN_JWT_ISSUER'),
        CLOUDFLARE_ACCOUNT_ID: 'account',
        D1_DATABASE_ID: randomUUID(),
        CLOUDFLARE_API_TOKEN: 'token',
      }),
      /ADMIN_PLATFORM_ROWS.*local work.*ADMIN_JWT_ISSUER/,
    ],
    ['a bad origin', () => ({ ...complete(), ADMIN_ORIGINS: 'example.org' }), /ADMIN_ORIGINS/],
    [
      'a key that is none',
      () => ({ ...complete(), ADMIN_JWT_KEY: 'nonsense' }),
      /RSA key in PEM, no JWKS/,
    ],
    [
      'a key of another kind',
      () => {
        const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
        return { ...complete(), ADMIN_JWT_KEY: key };
      },
      /no RSA key/,
    ],
    [
      'keys at no URL',
      () => ({ ...without('ADMIN_JWT_KEY'), ADMIN_JWT_JWKS_URL: 'localhost:8080/jwks.json' }),
      /ADMIN_JWT_JWKS_URL/,
    ],
    [
      'a public address without its scheme',
      () => ({ ...complete(), DUMPS_PUBLIC_URL: 'localhost:8788' }),
      /DUMPS_PUBLIC_URL.*https:/,
    ],
    [
      'a public address that names cannot be appended to',
      () => ({ ...complete(), DUMPS_PUBLIC_URL: 'https://dumps.example.org/?at=' }),
      /DUMPS_PUBLIC_URL/,
    ],
    [
      'an endpoint without its scheme',
      () => ({
        ...without('DUMPS_DIR'),
        DUMPS_S3_ENDPOINT: 'localhost:9000',
        DUMPS_S3_BUCKET: 'dumps',
        DUMPS_S3_ACCESS_KEY_ID: 'key',
        DUMPS_S3_SECRET_ACCESS_KEY: 'secret',
        DUMPS_PUBLIC_URL: 'https://dumps.example.org',
      }),
      /DUMPS_S3_ENDPOINT.*https:/,
    ],
    [
      "an endpoint with the bucket, as R2's dashboard shows it",
      () => ({
        ...without('DUMPS_DIR'),
        DUMPS_S3_ENDPOINT: 'https://account.r2.cloudflarestorage.com/dumps/',
        DUMPS_S3_BUCKET: 'dumps',
        DUMPS_S3_ACCESS_KEY_ID: 'key',
        DUMPS_S3_SECRET_ACCESS_KEY: 'secret',
        DUMPS_PUBLIC_URL: 'https://dumps.example.org',
      }),
      /DUMPS_S3_ENDPOINT has the bucket at its end/,
    ],
    [
      'backups among dumps',
      () => ({ ...complete(), BACKUP_OUTPUT_DIR: join(base, 'public', 'b') }),
      /DUMPS_DIR/,
    ],
    [
      'backups among dumps by way of a link',
      () => {
        // In a folder of its own: the other cases have no folder of dumps yet.
        const own = join(base, randomUUID());
        mkdirSync(join(own, 'public'), { recursive: true });
        const link = join(own, 'link');
        symlinkSync('public', link);
        const backups = join(link, 'new', 'backups');
        return { ...complete(), DUMPS_DIR: join(own, 'public'), BACKUP_OUTPUT_DIR: backups };
      },
      /DUMPS_DIR/,
    ],
    [
      'state among dumps',
      () => ({ ...complete(), ADMIN_STATE_DIR: join(base, 'public') }),
      /DUMPS_DIR/,
    ],
  ];

  beforeAll(() => {
    base = folder();
    newestGeneration(base);
    const index = pathToFileURL(join(root, 'dist', 'admin', 'index.js')).href;
    const script = `
      const { createAdminApp } = await import(${JSON.stringify(index)});
      return ${JSON.stringify(cases.map(([, env]) => env()))}.map((env) => {
        try {
          createAdminApp(readEnvironment(env, 'no-such-file').admin);
          return null;
        } catch ({ name, message }) {
          return name + ': ' + message;
        }
      });`;
    answers = evaluate('readEnvironment', 'admin/environment.js', script) as typeof answers;
  });

  it.each(cases.map(([what, , message], at) => [what, at, message] as const))(
    'does not start: %s',
    (_, at, message) => {
      expect(answers[at]).toMatch(/^ConfigurationError: /);
      expect(answers[at]).toMatch(message);
    },
  );

  it('ends with 2', async () => {
    const refused = serve(without('DUMPS_DIR'));
    await expect(refused).rejects.toThrow(/exit code 2: error: .*set DUMPS_DIR/);
  });

  // Windows lets nobody delete the folder that a process works in; only Linux has one that takes no folder.
  (process.platform === 'linux' ? it : it.skip).each<[string, string, RegExp]>([
    ['the folder that it runs in is gone', 'gone', /the folder this runs in is gone.*cd/],
    ['its own folder cannot be made', '/proc/none/state', /ADMIN_STATE_DIR: .*ENOENT/],
  ])('ends with 2 also where %s', (_, state, message) => {
    const env = { ...without('BACKUP_OUTPUT_DIR'), ADMIN_STATE_DIR: state };
    const leave = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    for (const program of ['main.js', 'publish.js']) {
      const command = [process.execPath, join(root, 'dist', 'admin', program)];
      const script = state === 'gone' ? leave : 'exec "$@"';
      const options = { cwd: base, env, encoding: 'utf8', timeout: 15_000 } as const;
      const { status, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', ...command], options);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(status).toBe(2);
    }
  });
});

it('takes a key in PEM also where variables are lines of a file: in one line', () => {
  const script = `
    new Jwt({ issuer: 'https://issuer.example', key: ${JSON.stringify(publicKey.trim().replaceAll('\n', '\\n'))} }, []);
    return 'taken';`;
  expect(evaluate('Jwt', 'admin/auth/jwt.js', script)).toBe('taken');
});

it.each(['nonsense', '0', '65536'])('does not make a demonstration for port %s', (port) => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'dist', 'admin', 'main.js'), '--demo'],
    { cwd: base, env: { ADMIN_PORT: port }, encoding: 'utf8', timeout: 100_000 },
  );
  expect(stderr).toContain('error: ADMIN_PORT must be a whole number from 1 to 65535');
  expect(status).toBe(2);
});

it('does not take a .env of UTF-16, as PowerShell writes it, for an empty one', () => {
  writeFileSync(join(base, '.env'), '\uFEFFADMIN_FORWARD_SECRET=secret\n', 'utf16le');
  for (const program of ['main.js', 'publish.js']) {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'admin', program)], {
      cwd: base,
      env: {},
      encoding: 'utf8',
      timeout: 100_000,
    });
    expect(stderr).toMatch(/^error: \.env is UTF-16: save it as UTF-8$/m);
    expect(status).toBe(2);
  }
});

it.each([
  ['admin', 'main.js', '--demo'],
  ['publish-dump', 'publish.js', '--allow-shrink'],
])('does not run as another command where npm, or PowerShell, took the flag: %s', (...names) => {
  const [script, program, flag] = names;
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'admin', program)], {
    cwd: base,
    env: {
      npm_lifecycle_event: script,
      [`npm_config_${flag.slice(2).replaceAll('-', '_')}`]: 'true',
    },
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect(stderr).toContain(
    `error: npm kept ${flag} for itself: write \`npm run ${script} -- ${flag}`,
  );
  expect(status).toBe(2);
});

it('lets the page change something at the address that it listens on', () => {
  const script = `
    return ['127.0.0.1', '::1', '10.0.0.7'].map((ADMIN_HOST) => {
      const env = { SOURCE_DATABASE_FILE: 'x', DUMPS_DIR: 'public', ADMIN_HOST };
      return readEnvironment(env, 'no-such-file').admin.origins;
    });`;
  expect(evaluate('readEnvironment', 'admin/environment.js', script)).toEqual([
    ['http://localhost:8788', 'http://127.0.0.1:8788'],
    ['http://localhost:8788', 'http://127.0.0.1:8788', 'http://[::1]:8788'],
    ['http://localhost:8788', 'http://127.0.0.1:8788', 'http://10.0.0.7:8788'],
  ]);
});

it.each(['', '65535'])('the container asks for its health where it listens: port "%s"', (port) => {
  const dockerfile = readFileSync(join(root, 'admin', 'Dockerfile'), 'utf8');
  const check = JSON.parse(/^HEALTHCHECK CMD (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[];
  const asked = 'globalThis.fetch = async (url) => (console.log(url), { ok: true });';
  const { status, stdout } = spawnSync(process.execPath, ['-e', asked + String(check[2])], {
    env: { ADMIN_PORT: port },
    encoding: 'utf8',
  });
  expect(check.slice(0, 2)).toEqual(['node', '-e']);
  expect([status, stdout]).toEqual([0, `http://127.0.0.1:${port || '8788'}/healthz\n`]);
});

it.each(['.gitignore', '.dockerignore'])(
  '%s keeps files of variables, which hold secrets, out of commits and images',
  (name) => {
    expect(readFileSync(join(root, name), 'utf8').split('\n')).toContain('**/*.env');
  },
);

it('keeps the private folders that it makes out of commits, and leaves alone what was there', () => {
  const script = `
    const { existsSync, mkdirSync, readFileSync } = await import('node:fs');
    const base = ${JSON.stringify(base)};
    const ignores = (owner) => {
      const [stateDir, backupDir] = [base + owner + '/state', base + owner + '/backups'];
      createAdminApp({ ...${adminOptions(base)}, backupDir, stateDir });
      const files = [stateDir, backupDir].map((path) => path + '/.gitignore');
      return files.map((path) => existsSync(path) ? readFileSync(path, 'utf8') : null);
    };
    for (const name of ['/state', '/backups']) mkdirSync(base + '/theirs' + name, { recursive: true });
    return [ignores('/ours'), ignores('/theirs')];`;
  expect(evaluate('createAdminApp', 'admin/index.js', script)).toEqual([
    ['*\n', '*\n'],
    [null, null],
  ]);
});

it('looks for the roles in the file that the rows are read from, as wrangler names it', async () => {
  const env = {
    SOURCE_WRANGLER_STATE: base,
    D1_DATABASE_ID: randomUUID(),
    ADMIN_PLATFORM_ROWS: '1',
    DUMPS_DIR: 'public',
  };
  const script = `
    const { auth, database } = readEnvironment(${JSON.stringify(env)}, 'no-such-file').admin;
    return { rows: auth.rows, database };`;
  const { rows, database } = evaluate('readEnvironment', 'admin/environment.js', script) as {
    rows: { file: string };
    database: DatabaseSource;
  };
  await expect(previewBackup({ database })).rejects.toMatchObject({
    code: 'DATABASE_NOT_FOUND',
    message: expect.stringContaining(rows.file) as string,
  });
});
