/** Numbers and texts as people read them. */

const units = ['kB', 'MB', 'GB', 'TB'];

/** `9,000` */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** `1 table`, `23 tables` */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** `12.3 MB`, below a thousand `999 bytes`; decimal, as disks and downloads are sold. */
export function size(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte');
  let value = bytes / 1000;
  let unit = 0;
  // From there on it would be written as 1000.0.
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `3 min 12 s` */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${count(Math.floor(whole / 60))} min ${count(whole % 60)} s`;
}

/**
 * A text of which every character is shown: one that commands a terminal or turns its text around, as names in a
 * hostile archive may, becomes `\u{1b}`.
 */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
