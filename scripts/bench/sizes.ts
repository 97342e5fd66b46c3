/** How much the benchmark works on. */

export interface Size {
  readonly artworks: number;
  readonly photos: number;
}

/** Everything that is made up starts from this number, so that every machine measures the same bytes. */
export const seed = 20_260_102;

/** Steps of ten, up to what a city's archive could become: about 400 MB of rows and 0.92 GB of photos. */
export const sizes = {
  small: { artworks: 1_000, photos: 70 },
  medium: { artworks: 10_000, photos: 700 },
  large: { artworks: 100_000, photos: 7_000 },
} as const satisfies Record<string, Size>;

export type SizeName = keyof typeof sizes;

export const sizeNames = Object.keys(sizes) as SizeName[];

export function isSizeName(text: string): text is SizeName {
  return Object.hasOwn(sizes, text);
}
