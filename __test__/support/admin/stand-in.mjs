/**
 * The admin service with a stand-in for the addon, so that a spec decides how long a job takes and how it ends. What
 * the stand-in does next stands in the file STAND_IN_PLAN, read at each call: { until, code, message, artworks, at,
 * warnings, operator_warnings, broken }. A job that has an `until` tells how far it is until there is that file.
 */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { serve } from '@hono/node-server';

import { readEnvironment } from '../../../dist/admin/environment.js';
import { createAdminApp } from '../../../dist/admin/index.js';

async function work({ outputDir, signal, onProgress, previous }, name, content) {
  const plan = JSON.parse(readFileSync(process.env.STAND_IN_PLAN, 'utf8'));
  const {
    code,
    message = 'It was planned',
    at = new Date().toISOString(),
    bytes = 0,
    until,
  } = plan;
  for (let done = 1; ; done += 1) {
    onProgress({ phase: 'photos', done, bytes: done * 10 });
    if (until === undefined || existsSync(until)) break;
    await sleep(20, undefined, { signal });
  }
  signal.throwIfAborted();
  if (code !== undefined) throw Object.assign(new Error(message), { code });
  const instant = `${at.slice(0, 19)}Z`;
  const filename = name(instant);
  const path = join(outputDir, filename);
  const archive = plan.broken
    ? Buffer.from('no archive')
    : zip('artwork.json', Buffer.from(content(plan)), bytes);
  writeFileSync(path, archive, { flag: 'wx', mode: 0o600 });
  const sha256 = createHash('sha256').update(archive).digest('hex');
  process.stdout.write(`${JSON.stringify({ made: filename, previous: previous ?? null })}\n`);
  return {
    filename,
    path,
    size: archive.length,
    sha256,
    complete: plan.complete ?? true,
    instant,
    plan,
  };
}

const engine = {
  async createDataDump(options) {
    const made = await work(
      options,
      (instant) => `datadump-${instant.slice(0, 10)}.zip`,
      ({ artworks = 3 }) =>
        JSON.stringify(
          Array.from({ length: artworks }, (_, n) => ({ id: `work-${n}`, title: 'A "}{" work' })),
        ),
    );
    const { instant, plan, ...rest } = made;
    const total_artworks = plan.artworks ?? 3;
    return {
      ...rest,
      durationMs: 1,
      warnings: [...(plan.warnings ?? []), ...(plan.operator_warnings ?? [])],
      metadata: {
        generated_at: instant,
        counts: { total_artworks, total_creators: 2, total_tags: 5, total_photos: 4 },
        warnings: plan.warnings ?? [],
        privacy: { redactions: { email: 1, user_id: 0, ip_address: 0, token: 0 } },
      },
    };
  },
  async createBackup(options) {
    const { instant, ...rest } = await work(
      options,
      (when) => `backup-${when.slice(0, 10)}-${when.slice(11).replaceAll(/[:Z]/g, '')}.zip`,
      () => '[]',
    );
    return {
      ...rest,
      durationMs: 1,
      reusedPhotos: 0,
      warnings: [],
      metadata: { created_at: instant },
    };
  },
};

/** One stored entry, padded by a comment-free gap in front of the directory. */
function zip(name, content, padding) {
  const crc = crc32(content);
  const fixed = Buffer.alloc(26);
  fixed.writeUInt16LE(20, 0);
  fixed.writeUInt32LE(crc, 10);
  fixed.writeUInt32LE(content.length, 14);
  fixed.writeUInt32LE(content.length, 18);
  fixed.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fixed, Buffer.from(name), content]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([20, 0]),
    fixed,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const gap = Buffer.alloc(padding, 7);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + gap.length, 16);
  return Buffer.concat([local, gap, central, end]);
}

const { host, port, admin } = readEnvironment(process.env);
// Specs ask again and again, on a fast machine more often than an admin may.
const app = createAdminApp({ ...admin, engine, rateLimits: { requests: Infinity } });
// As the service itself: a spec that is busy for Node's five seconds would meet a closed connection.
const serverOptions = { keepAliveTimeout: 120_000 };
const wanted = { fetch: app.fetch, hostname: host, port, serverOptions };
const server = serve(wanted, ({ port: bound }) => {
  process.stdout.write(`Admin service at http://${host}:${bound}/admin/\n`);
});
process.on('SIGTERM', () => {
  void app.close().finally(() => {
    server.close();
    server.closeAllConnections();
  });
});
