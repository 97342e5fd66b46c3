/** Where the admin service would read the photos, by its variables. */

import { evaluate } from '../support/evaluate';
import { token } from '../support/projects';

describe('the photos of the admin service', () => {
  /** Where the service would read them, with each of these, or why it does not start. */
  function photos(...envs: Readonly<Record<string, string>>[]): unknown {
    const own = { SOURCE_DATABASE_FILE: 'archive.sqlite', DUMPS_DIR: 'public' };
    const script = `
      return ${JSON.stringify(envs.map((env) => ({ ...own, ...env })))}.map((env) => {
        try {
          return readEnvironment(env, 'no-such-file').admin.photos ?? null;
        } catch ({ name, message }) {
          return name + ': ' + message;
        }
      });`;
    return evaluate('readEnvironment', 'admin/environment.js', script);
  }

  const bucket = { R2_BUCKET_NAME: 'photos' };
  const account = { CLOUDFLARE_ACCOUNT_ID: 'an-account' };
  const keys = { R2_ACCESS_KEY_ID: 'a-key', R2_SECRET_ACCESS_KEY: 'secret-that-nobody-may-see' };
  const bySecret = {
    s3: {
      endpoint: 'https://an-account.r2.cloudflarestorage.com',
      bucket: 'photos',
      accessKeyId: 'a-key',
      secretAccessKey: 'secret-that-nobody-may-see',
    },
  };

  it('are in R2 by the keys, without them by the token', () => {
    const both = { ...bucket, ...account };
    const byToken = {
      r2: { accountId: 'an-account', apiToken: token.CLOUDFLARE_API_TOKEN, bucket: 'photos' },
    };
    expect(
      photos({ ...both, ...keys }, { ...both, ...keys, ...token }, { ...both, ...token }),
    ).toEqual([bySecret, bySecret, byToken]);
  });

  it('are in another S3 server, in its region where it has one', () => {
    const server = { SOURCE_S3_ENDPOINT: 'https://s3.example.org', ...bucket, ...keys };
    const own = { ...bySecret.s3, endpoint: 'https://s3.example.org' };
    expect(photos(server, { ...server, SOURCE_S3_REGION: 'eu-north-1' })).toEqual([
      { s3: own },
      { s3: { ...own, region: 'eu-north-1' } },
    ]);
  });

  it('are left out only where no setting names them', () => {
    expect(photos({}, { ...account, ...token })).toEqual([null, null]);
  });

  const parts: [env: Record<string, string>, missing: RegExp][] = [
    [bucket, /CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN/],
    [{ ...bucket, ...account }, /CLOUDFLARE_API_TOKEN/],
    [{ ...bucket, ...token }, /CLOUDFLARE_ACCOUNT_ID/],
    [{ ...bucket, ...keys }, /CLOUDFLARE_ACCOUNT_ID/],
    [{ ...account, ...keys }, /R2_BUCKET_NAME/],
    [{ ...bucket, ...account, R2_ACCESS_KEY_ID: 'a-key' }, /R2_SECRET_ACCESS_KEY/],
    [
      { ...bucket, ...account, ...token, R2_SECRET_ACCESS_KEY: keys.R2_SECRET_ACCESS_KEY },
      /R2_ACCESS_KEY_ID/,
    ],
  ];

  it('are refused when only part of them is named', () => {
    const answers = photos(...parts.map(([env]) => env)) as string[];
    expect(answers).toHaveLength(parts.length);
    for (const [at, said] of answers.entries()) {
      const missing = parts[at]?.[1].source ?? '';
      expect(said).toMatch(new RegExp(`^ConfigurationError: .*without ${missing}: set `));
      expect(said).toContain('in the environment or in .env');
      expect(said).not.toMatch(/nobody-may-see/);
    }
  });
});
