// Real D1 and R2, by workerd: fills a database and a bucket from files and keeps serving until its input ends.
//
// Run as `node state.mjs <request as JSON>`, where the request has `state` (a folder), `database` and `bucket` (names),
// `sql` (a script) and `objects` (key, file, and what R2 keeps with it). Prints one JSON object when it is ready.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { URL } from 'node:url';

import { Miniflare } from 'miniflare';

const { unstable_splitSqlQuery: split } = createRequire(import.meta.url)('wrangler');
const request = JSON.parse(process.argv[2]);
const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'SECRETTEST' };

const miniflare = new Miniflare({
  modules: true,
  script: 'export default { fetch() { return new Response("ok") } }',
  compatibilityDate: '2026-01-01',
  host: '127.0.0.1',
  port: 0,
  d1Databases: { DB: request.database },
  d1Persist: `${request.state}/d1`,
  r2Buckets: { BUCKET: { id: request.bucket, s3Credentials: credentials } },
  r2Persist: `${request.state}/r2`,
  unsafeLocalExplorer: true,
});
const url = await miniflare.ready;
const db = await miniflare.getD1Database('DB');
if (request.sql) await db.batch(split(request.sql).map((statement) => db.prepare(statement)));
const bucket = await miniflare.getR2Bucket('BUCKET');
for (const { key, file, parts = 1, ...options } of request.objects ?? []) {
  const body = readFileSync(file);
  if (parts === 1) {
    await bucket.put(key, body, options);
    continue;
  }
  const upload = await bucket.createMultipartUpload(key, options);
  const size = Math.ceil(body.length / parts);
  const uploaded = [];
  for (let nth = 0; nth < parts; nth += 1) {
    uploaded.push(await upload.uploadPart(nth + 1, body.subarray(nth * size, (nth + 1) * size)));
  }
  await upload.complete(uploaded);
}
process.stdout.write(
  `${JSON.stringify({
    endpoint: new URL('/cdn-cgi/local/r2/s3', url).href,
    publicUrl: new URL(`/cdn-cgi/local/r2/public/${request.bucket}/`, url).href,
    ...credentials,
  })}\n`,
);

process.stdin.resume().on('end', () => {
  void miniflare.dispose();
});
