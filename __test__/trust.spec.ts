/** A server whose certificate nobody signed: asking it again is no use, and the network is not at fault. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { type BackupOptions, createBackup } from '../index.js';
import { database, folder, listing, removeFolders, root } from './support';
import { sqlite } from './support/tools';

const pem = readFileSync(join(root, '__test__', 'fixtures', 'untrusted.pem'));
/** One for each test: who comes late to one must not be counted by the next. */
let server: Server;
let url: string;
/** How often somebody has come. */
let connections: number;

beforeEach(async () => {
  server = createServer({ cert: pem, key: pem }, (_, response) => response.end());
  server.on('connection', () => (connections += 1));
  connections = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterEach(() => {
  server.close();
  removeFolders();
});

const keys = { accessKeyId: 'a-key', secretAccessKey: 'secret-that-nobody-may-see' };
const account = { accountId: 'an-account', apiToken: 'token-that-nobody-may-see' };

it.each<[string, number, () => Partial<BackupOptions>]>([
  ['S3', 1, () => ({ photos: { s3: { endpoint: url, bucket: 'photos', ...keys } } })],
  ['R2', 1, () => ({ photos: { r2: { ...account, bucket: 'photos', apiUrl: url } } })],
  // The photo, and the names that its smaller copies may have.
  ['a public URL', 12, () => ({ photos: { publicUrl: url } })],
  ['D1', 1, () => ({ database: { d1: { ...account, databaseId: 'a-database', apiUrl: url } } })],
])('is not what is read by %s, which asks for nothing twice', async (_, most, options) => {
  const outputDir = folder();
  const file = database(folder());
  const sources: BackupOptions = { database: { file }, ...options() };
  sqlite(file, `UPDATE artwork SET photos = '["originals/a.jpg"]'`);
  const error = await createBackup({ ...sources, outputDir }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
  const { message } = error as Error;
  expect(message).toMatch(/certificate is signed by no public authority/);
  expect(message).not.toContain('nobody-may-see');
  expect(connections).toBeGreaterThan(0);
  expect(connections).toBeLessThanOrEqual(most);
  expect(listing(outputDir)).toEqual([]);
});
