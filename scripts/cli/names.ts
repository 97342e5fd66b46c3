/** What the user of a command sets, in place of the option of the package that an error names. */

import type { Option } from 'commander';

import type { Failure } from './errors.js';

/** What no flag has the name of: secrets come from variables alone. */
const others: Readonly<Record<string, string>> = {
  accessKeyId: 'R2_ACCESS_KEY_ID',
  secretAccessKey: 'R2_SECRET_ACCESS_KEY',
  apiToken: 'CLOUDFLARE_API_TOKEN',
  apiUrl: 'CLOUDFLARE_API_BASE_URL',
  directory: '--photos-dir',
};

/** A word such as `photos.s3.region` or `outputDir`. */
const word = /(?<=^|[ (])[a-z][A-Za-z0-9.]*[A-Za-z0-9](?=[ ,;:)]|$)/g;

/** A message of the package in the words of a command with these flags: `photos.s3.region` is `--s3-region`. */
export function inWordsOf(
  flags: readonly Option[],
  { code, message }: Pick<Failure, 'code' | 'message'>,
): string {
  return message.replace(word, (name, at: number) => {
    const isOption = code === 'INVALID_OPTIONS' && (at === 0 || /[A-Z.]/.test(name));
    return isOption || name.startsWith('photos.') ? (settingOf(name, flags) ?? name) : name;
  });
}

/** A flag of the same name, with the variable that its help names as the default; the longest name wins. */
function settingOf(name: string, flags: readonly Option[]): string | undefined {
  const parts = name.split('.');
  const flag = parts
    .map((_, at) => inCamelCase(parts.slice(at)))
    .map((end) => flags.find((flag) => !flag.negate && flag.attributeName() === end))
    .find((flag) => flag !== undefined);
  if (flag === undefined) return others[parts.at(-1) ?? ''];
  const variable = /default: \$(\w+)/.exec(flag.description)?.[1];
  return variable === undefined ? flag.long : `${flag.long} (${variable})`;
}

function inCamelCase([first = '', ...rest]: readonly string[]): string {
  return [first, ...rest.map((part) => part.charAt(0).toUpperCase() + part.slice(1))].join('');
}
