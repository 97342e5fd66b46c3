/** piexifjs brings no types; these are the parts the demo uses. Pictures travel as binary strings. */
declare module 'piexifjs' {
  type Rational = [numerator: number, denominator: number];
  interface Piexif {
    ImageIFD: { Make: number; Model: number };
    GPSIFD: {
      GPSLatitudeRef: number;
      GPSLatitude: number;
      GPSLongitudeRef: number;
      GPSLongitude: number;
    };
    GPSHelper: { degToDmsRational(degrees: number): [Rational, Rational, Rational] };
    dump(blocks: Record<string, Record<number, unknown>>): string;
    insert(block: string, picture: string): string;
  }
  const piexif: Piexif;
  export default piexif;
}
