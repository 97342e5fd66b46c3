/** A job in a worker thread. */

import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { BackupOptions } from '../index.js';
import { database, folder, removeFolders, root } from './support';

afterAll(removeFolders);

it('is aborted when its worker thread has ended, and leaves nothing', async () => {
  // The store keeps the job waiting.
  const store = createServer(() => undefined).listen(0, '127.0.0.1');
  let worker: Worker | undefined;
  try {
    await once(store, 'listening');
    const { port } = store.address() as AddressInfo;
    const keys = { accessKeyId: 'key', secretAccessKey: 'secret' };
    const dir = folder();
    const outputDir = join(dir, 'out');
    const options: BackupOptions = {
      database: { file: database(dir) },
      photos: { s3: { endpoint: `http://127.0.0.1:${port}`, bucket: 'photos', ...keys } },
      outputDir,
    };
    const start = `require(${JSON.stringify(root)}).createBackup(require('node:worker_threads').workerData)`;
    worker = new Worker(start, { eval: true, workerData: options });
    await once(store, 'request');
    expect(readdirSync(outputDir)).toHaveLength(1);
    await worker.terminate();
    while (existsSync(outputDir)) await sleep(20);
  } finally {
    await worker?.terminate();
    store.closeAllConnections();
    store.close();
  }
});
