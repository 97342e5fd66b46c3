/** Calls what is built, which Jest cannot import: it is of ES modules. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from '../support';

/** What the last value of a script is, in which `name` of a `module` below dist/ can be called. */
export function evaluate(name: string, module: string, script: string): unknown {
  const url = pathToFileURL(join(root, 'dist', module)).href;
  const whole = `import { ${name} } from ${JSON.stringify(url)};
    process.stdout.write(JSON.stringify(await (async () => { ${script} })()));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=256', '--input-type=module', '-e', whole],
    { encoding: 'utf8', timeout: 100_000, maxBuffer: 1 << 20 },
  );
  if (status !== 0) throw new Error(`exit code ${String(status)}: ${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout);
}

/** Options of `createAdminApp` as a script writes them, in one folder, where nothing is yet; `token` is an admin's. */
export function adminOptions(base: string): string {
  return JSON.stringify({
    database: { file: join(base, 'none.sqlite') },
    auth: { oneTimeToken: 'token' },
    dumps: { directory: join(base, 'public'), publicUrl: 'http://localhost' },
    backupDir: join(base, 'backups'),
    stateDir: join(base, 'state'),
    origins: [],
  });
}

/**
 * Source of a script that makes `app`, a service over an empty archive with these options, written in code, beside the
 * usual ones; and `ask`, which sends it a request, unless told otherwise with its admin's token.
 */
export function emptyService(base: string, options = ''): string {
  return `
    const app = createAdminApp({ ...${adminOptions(base)}, ${options} });
    const ask = async (method, path, { token = 'token', body } = {}) => {
      const headers = { authorization: 'Bearer ' + token };
      const answer = await app.request('/api/admin/' + path, { method, headers, body });
      return { status: answer.status, ...(await answer.json()) };
    };`;
}
