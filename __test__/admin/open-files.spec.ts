/** Files of the service that somebody has open when they are to be replaced, which Windows refuses meanwhile. */

import { evaluate } from '../support/evaluate';
import { folder, removeFolders } from '../support';

afterEach(removeFolders);

const refused = `Object.assign(new Error('refused'), { code })`;

it('an object that is read all the time can be written', () => {
  const script = `
    const store = new FolderStore(${JSON.stringify(folder())});
    let etag = await store.put('a.json', Buffer.from('0'), {});
    let isOver = false;
    const reading = (async () => {
      while (!isOver) await store.get('a.json');
    })();
    for (let n = 1; n <= 20; n += 1) {
      etag = await store.put('a.json', Buffer.from(String(n)), {}, { etag });
    }
    isOver = true;
    await reading;
    return String((await store.get('a.json')).body);`;
  expect(evaluate('FolderStore', 'admin/storage/folder.js', script)).toBe('20');
});

it.each([
  ['win32', 'EPERM', 'written'],
  ['win32', 'EBUSY', 'written'],
  ['win32', 'ENOSPC', 'STORAGE_FULL'],
  ['linux', 'EPERM', 'STORAGE_UNAVAILABLE'],
])('on %s an object that cannot be replaced at once for %s is %s', (system, code, outcome) => {
  const script = `
    const { default: fs } = await import('node:fs/promises');
    const { syncBuiltinESMExports } = await import('node:module');
    const { rename } = fs;
    const code = ${JSON.stringify(code)};
    let left = 3;
    fs.rename = async (...names) => {
      if (left-- > 0) throw ${refused};
      return rename(...names);
    };
    syncBuiltinESMExports();
    Object.defineProperty(process, 'platform', { value: ${JSON.stringify(system)} });
    const store = new FolderStore(${JSON.stringify(folder())});
    return store.put('a.json', Buffer.from('{}'), {}).then(() => 'written', ({ code }) => code);`;
  expect(evaluate('FolderStore', 'admin/storage/folder.js', script)).toBe(outcome);
});

it('how a job ended is written down although its record is open for a moment', () => {
  const script = `
    const { default: fs } = await import('node:fs');
    const { syncBuiltinESMExports } = await import('node:module');
    const { renameSync } = fs;
    const code = 'EPERM';
    let left = 3;
    fs.renameSync = (...names) => {
      if (left-- > 0) throw ${refused};
      return renameSync(...names);
    };
    syncBuiltinESMExports();
    Object.defineProperty(process, 'platform', { value: 'win32' });
    const state = ${JSON.stringify(folder())};
    const id = '1'.padStart(36, '0');
    const ended = { state: 'succeeded', finished_at: '2', result: null, error: null, kept: null, lock: null };
    const instance = { id: '', place: '', pid: 1, started: null };
    new JobRecords(state).save({ id, kind: 'backup', created_at: '1', started_at: '1', instance, ...ended });
    return new JobRecords(state).get(id)?.state ?? null;`;
  expect(evaluate('JobRecords', 'admin/jobs/records.js', script)).toBe('succeeded');
});
