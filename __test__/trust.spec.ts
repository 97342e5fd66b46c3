/** A server whose certificate nobody signed: asking it again is no use, and the network is not at fault. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { type BackupOptions, createBackup } from '../index.js';
import { database, folder, listing, removeFolders, root } from './support';
import { sqlite } from './support/tools';

const pem = readFileSync(join(root, '__test__', 'fixtures', 'untrusted.pem'));
const server = createServer({ cert: pem, key: pem }, (_, response) => response.end());
let url: string;

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterAll(() => {
  server.close();
  removeFolders();
});

const keys = { accessKeyId: 'a-key', secretAccessKey: 'secret-that-nobody-may-see' };
const account = { accountId: 'an-account', apiToken: 'token-that-nobody-may-see' };

it.each<[string, () => Partial<BackupOptions>]>([
  ['S3', () => ({ photos: { s3: { endpoint: url, bucket: 'photos', ...keys } } })],
  ['R2', () => ({ photos: { r2: { ...account, bucket: 'photos', apiUrl: url } } })],
  ['a public URL', () => ({ photos: { publicUrl: url } })],
  ['D1', () => ({ database: { d1: { ...account, databaseId: 'a-database', apiUrl: url } } })],
])('is not what is read by %s, which says so at once', async (_, options) => {
  const outputDir = folder();
  const file = database(folder());
  const sources: BackupOptions = { database: { file }, ...options() };
  sqlite(file, `UPDATE artwork SET photos = '["originals/a.jpg"]'`);
  const begun = Date.now();
  const error = await createBackup({ ...sources, outputDir }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
  const { message } = error as Error;
  expect(message).toMatch(/certificate is signed by no public authority/);
  expect(message).not.toContain('nobody-may-see');
  expect(Date.now() - begun).toBeLessThan(5_000);
  expect(listing(outputDir)).toEqual([]);
});
