/** `node package-s3.js SCRIPT ENDPOINT OUTPUT TRANSFERS [EARLIER]`: a backup of a bucket's photos by this package. */

import { createBackup } from '../../../index.js';
import { reportUsageAtExit } from '../usage.js';

const [, , sql = '', endpoint = '', outputDir = '', transfers = '', reuseFrom] = process.argv;
reportUsageAtExit();
const result = await createBackup({
  database: { sql },
  photos: { s3: { endpoint, bucket: 'photos', accessKeyId: 'any', secretAccessKey: 'any' } },
  photoScope: 'all',
  outputDir,
  concurrency: Number(transfers),
  drill: false,
  ...(reuseFrom === undefined ? {} : { reuseFrom }),
});
if (!result.complete)
  throw new Error(`${result.path} is not complete: ${JSON.stringify(result.warnings)}`);
